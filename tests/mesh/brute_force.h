#pragma once

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <random>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

// Slow answers straight from the definitions, in double precision.
namespace moca::testing {

using Vec3d = Eigen::Vector3d;

inline std::vector<mesh::Vec3> random_points(int count, float half_side, uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<float> uniform(-half_side, half_side);
  std::vector<mesh::Vec3> points(count);
  for (mesh::Vec3& point : points) {
    for (float& coordinate : point) {
      coordinate = uniform(engine);
    }
  }
  return points;
}

// Unconnected triangles of about `size` in [-1, 1]^3.
inline mesh::TriangleMesh triangle_soup(int num_faces, float size, uint64_t seed) {
  mesh::TriangleMesh soup;
  const std::vector<mesh::Vec3> centers = random_points(num_faces, 1, seed);
  const std::vector<mesh::Vec3> offsets = random_points(3 * num_faces, size, seed + 1);
  for (int i = 0; i < num_faces; ++i) {
    for (int corner = 0; corner < 3; ++corner) {
      soup.vertices.push_back(centers[i] + offsets[3 * i + corner]);
    }
    soup.faces.push_back({3 * i, 3 * i + 1, 3 * i + 2});
  }
  return soup;
}

struct FaceCorners {
  Vec3d a, b, c;
};

inline FaceCorners corners_of(const mesh::TriangleMesh& mesh, size_t face) {
  const auto& [i, j, k] = mesh.faces[face];
  return {mesh.vertices[i].cast<double>(), mesh.vertices[j].cast<double>(),
          mesh.vertices[k].cast<double>()};
}

// How far along the ray the face is met, by solving origin + t d = a + u (b - a) + v (c - a).
inline std::optional<double> ray_meets(const FaceCorners& face, const Vec3d& origin,
                                       const Vec3d& direction) {
  Eigen::Matrix3d system;
  system << -direction, face.b - face.a, face.c - face.a;
  const double determinant = system.col(0).dot(system.col(1).cross(system.col(2)));
  if (std::abs(determinant) < 1e-12) {
    return std::nullopt;
  }
  const Vec3d right = origin - face.a;
  const double t = right.dot(system.col(1).cross(system.col(2))) / determinant;
  const double u = system.col(0).dot(right.cross(system.col(2))) / determinant;
  const double v = system.col(0).dot(system.col(1).cross(right)) / determinant;
  return t > 0 && u >= 0 && v >= 0 && u + v <= 1 ? std::optional(t) : std::nullopt;
}

// How often the mesh winds around a point: the sum of its faces' solid angles (Van Oosterom and
// Strackee 1983) over 4 pi.
inline double winding_number(const mesh::TriangleMesh& mesh, const mesh::Vec3& point) {
  double sum = 0;
  for (size_t face = 0; face < mesh.faces.size(); ++face) {
    const FaceCorners corners = corners_of(mesh, face);
    const Vec3d a = corners.a - point.cast<double>();
    const Vec3d b = corners.b - point.cast<double>();
    const Vec3d c = corners.c - point.cast<double>();
    const double la = a.norm();
    const double lb = b.norm();
    const double lc = c.norm();
    sum += 2 * std::atan2(a.dot(b.cross(c)),
                          la * lb * lc + a.dot(b) * lc + b.dot(c) * la + c.dot(a) * lb);
  }
  return sum / (4 * std::numbers::pi);
}

// The smallest distance to any face: to its plane where the foot lies in it, else to its sides.
inline double distance_to_faces(const mesh::TriangleMesh& mesh, const mesh::Vec3& point) {
  const auto to_segment = [](const Vec3d& p, const Vec3d& from, const Vec3d& to) {
    const double t = std::clamp((p - from).dot(to - from) / (to - from).squaredNorm(), 0.0, 1.0);
    return (p - from - t * (to - from)).norm();
  };
  double nearest = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < mesh.faces.size(); ++i) {
    const FaceCorners face = corners_of(mesh, i);
    const Vec3d p = point.cast<double>();
    const Vec3d normal = (face.b - face.a).cross(face.c - face.a).normalized();
    const double height = normal.dot(p - face.a);
    nearest = std::min({nearest, to_segment(p, face.a, face.b), to_segment(p, face.b, face.c),
                        to_segment(p, face.c, face.a)});
    if (ray_meets(face, p, height > 0 ? Vec3d(-normal) : normal)) {
      nearest = std::min(nearest, std::abs(height));
    }
  }
  return nearest;
}

}  // namespace moca::testing
