#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "moca/evaluation/metric_config.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::testing {

inline std::vector<mesh::Vec3> random_points(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<mesh::Vec3> points;
  for (int64_t i = 0; i < count; ++i) {
    points.emplace_back(uniform(random), uniform(random), uniform(random));
  }
  return points;
}

// Uniform on a sphere.
inline std::vector<mesh::Vec3> sphere_points(const mesh::Vec3& centre, float radius, int64_t count,
                                             uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<mesh::Vec3> points;
  for (int64_t i = 0; i < count; ++i) {
    const mesh::Vec3 direction(normal(random), normal(random), normal(random));
    points.emplace_back(centre + radius * direction.normalized());
  }
  return points;
}

inline mesh::TriangleMesh box_mesh(const mesh::Vec3& low, const mesh::Vec3& high) {
  mesh::TriangleMesh mesh;
  for (int corner = 0; corner < 8; ++corner) {
    mesh.vertices.emplace_back(corner % 2 == 0 ? low.x() : high.x(),
                               corner / 2 % 2 == 0 ? low.y() : high.y(),
                               corner / 4 == 0 ? low.z() : high.z());
  }
  mesh.faces = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  return mesh;
}

inline mesh::Scene scene_of(const std::vector<mesh::TriangleMesh>& meshes) {
  mesh::Scene scene;
  for (const mesh::TriangleMesh& mesh : meshes) {
    scene.components.push_back({"component_" + std::to_string(scene.components.size()), mesh, {}});
  }
  return scene;
}

inline evaluation::MetricConfig few_points() {
  evaluation::MetricConfig config;
  config.num_points = 5000;
  return config;
}

inline mesh::Scene moved(mesh::Scene scene, float scale, const mesh::Vec3& shift) {
  for (auto& component : scene.components) {
    for (mesh::Vec3& vertex : component.mesh.vertices) {
      vertex = scale * vertex + shift;
    }
  }
  return scene;
}

// Centred, longest side 2.
inline mesh::Scene two_boxes(const mesh::Vec3& shift = mesh::Vec3::Zero()) {
  return moved(scene_of({box_mesh({-1, -0.5, -0.5}, {0, 0.5, 0.5}),
                         box_mesh({0.25, -0.5, -0.25}, {1, 0.25, 0.5})}),
               1, shift);
}

}  // namespace moca::testing
