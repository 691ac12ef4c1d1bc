#pragma once

#include <cmath>
#include <numbers>

#include "moca/mesh/scene_ops.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::testing {

// An axis-aligned box, 8 vertices and 12 faces, looking outward.
inline mesh::TriangleMesh box(const mesh::Vec3& low, const mesh::Vec3& high) {
  mesh::TriangleMesh result;
  for (int i = 0; i < 8; ++i) {
    result.vertices.emplace_back((i & 1) != 0 ? high.x() : low.x(),
                                 (i & 2) != 0 ? high.y() : low.y(),
                                 (i & 4) != 0 ? high.z() : low.z());
  }
  result.faces = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                  {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  return result;
}

inline mesh::TriangleMesh cube(float half_side) {
  return box(mesh::Vec3::Constant(-half_side), mesh::Vec3::Constant(half_side));
}

// A sphere of `rings` rows of latitude and twice as many of longitude, looking outward, closed.
inline mesh::TriangleMesh sphere(float radius, int rings,
                                 const mesh::Vec3& center = mesh::Vec3::Zero()) {
  mesh::TriangleMesh result;
  const int columns = 2 * rings;
  for (int i = 0; i <= rings; ++i) {
    for (int j = 0; j < columns; ++j) {
      const double theta = std::numbers::pi * i / rings;
      const double phi = 2 * std::numbers::pi * j / columns;
      // The sine of pi is not quite 0: the poles must be one position each.
      const double sine = i == 0 || i == rings ? 0.0 : std::sin(theta);
      const Eigen::Vector3d at(sine * std::sin(phi), std::cos(theta), sine * std::cos(phi));
      result.vertices.push_back(center + (radius * at).cast<float>());
    }
  }
  for (int i = 0; i < rings; ++i) {
    for (int j = 0; j < columns; ++j) {
      const int a = i * columns + j;
      const int b = i * columns + (j + 1) % columns;
      result.faces.push_back({a, a + columns, b});
      result.faces.push_back({b, a + columns, b + columns});
    }
  }
  mesh::weld(result);
  return result;
}

// The distance below the surface of a torus around the y axis.
inline float torus(const mesh::Vec3& p) {
  return 0.23F - std::hypot(std::hypot(p.x(), p.z()) - 0.6F, p.y());
}

// The square [-1, 1]^2 at height y, looking up.
inline mesh::TriangleMesh square(float y) {
  return {{{-1, y, -1}, {-1, y, 1}, {1, y, 1}, {1, y, -1}}, {{0, 1, 2}, {0, 2, 3}}};
}

inline void flip_faces(mesh::TriangleMesh& mesh) {
  for (auto& face : mesh.faces) {
    std::swap(face[1], face[2]);
  }
}

// Two meshes as one, unconnected.
inline mesh::TriangleMesh join(const mesh::TriangleMesh& a, const mesh::TriangleMesh& b) {
  return mesh::fuse({{{"a", a}, {"b", b}}});
}

}  // namespace moca::testing
