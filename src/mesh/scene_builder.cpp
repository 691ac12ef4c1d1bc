#include "scene_builder.h"

#include <limits>
#include <utility>

#include "mesh_file_check.h"
#include "moca/core/logging.h"
#include "moca/core/utf8.h"
#include "moca/mesh/scene_ops.h"

namespace moca::mesh {
namespace {

constexpr uint32_t kUnused = std::numeric_limits<uint32_t>::max();

// The others keep their order.
void drop_unused_points(PlacedComponent& component) {
  std::vector<uint32_t> target(component.points.size(), kUnused);
  for (const auto& face : component.faces) {
    for (const uint32_t corner : face) {
      target[corner] = 0;
    }
  }
  std::vector<Eigen::Vector3d> used;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != kUnused) {
      target[i] = static_cast<uint32_t>(used.size());
      used.push_back(component.points[i]);
    }
  }
  for (auto& face : component.faces) {
    for (uint32_t& corner : face) {
      corner = target[corner];
    }
  }
  component.points = std::move(used);
}

TriangleMesh rounded(const PlacedComponent& component) {
  TriangleMesh mesh;
  mesh.vertices.reserve(component.points.size());
  for (const auto& point : component.points) {
    mesh.vertices.push_back(point.cast<float>());
  }
  mesh.faces.reserve(component.faces.size());
  for (const auto& face : component.faces) {
    mesh.faces.push_back({static_cast<int32_t>(face[0]), static_cast<int32_t>(face[1]),
                          static_cast<int32_t>(face[2])});
  }
  return mesh;
}

}  // namespace

void PlacedComponent::append(const std::vector<Eigen::Vector3d>& more,
                             const std::vector<std::array<uint32_t, 3>>& their_faces) {
  const auto offset = static_cast<uint32_t>(points.size());
  points.insert(points.end(), more.begin(), more.end());
  for (const auto& face : their_faces) {
    faces.push_back({offset + face[0], offset + face[1], offset + face[2]});
  }
}

std::string SceneBuilder::default_name() const { return to_utf8(file_.stem().string()); }

void SceneBuilder::add(PlacedComponent component) {
  if (component.faces.empty()) {
    return;
  }
  drop_unused_points(component);
  for (const auto& point : component.points) {
    if (!point.cast<float>().allFinite()) {
      refuse_mesh_file(file_, "component '" + component.name +
                                  "' has a vertex that is not a number; re-export it.");
    }
  }
  components_.push_back(std::move(component));
}

Scene SceneBuilder::finish() {
  Scene scene;
  for (auto& component : components_) {
    Component finished{std::move(component.name), rounded(component), component.color};
    weld(finished.mesh);
    if (!(surface_area(finished.mesh) > 0)) {
      log::warn(file_.string() + ": '" + finished.name + "' has no area and is left out");
      continue;
    }
    const std::string name = finished.name;
    for (int copy = 2; !names_.insert(finished.name).second; ++copy) {
      finished.name = name + "_" + std::to_string(copy);
    }
    scene.components.push_back(std::move(finished));
  }
  if (components_.empty()) {
    refuse_mesh_file(file_, "it has no faces; export a surface, not points or lines.");
  }
  if (scene.components.empty()) {
    refuse_mesh_file(file_, "its faces have no area; export a surface.");
  }
  return scene;
}

}  // namespace moca::mesh
