#include "scene_builder.h"

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "mesh_file_check.h"
#include "moca/core/logging.h"
#include "moca/core/utf8.h"
#include "moca/mesh/scene_ops.h"

namespace moca::mesh {
namespace {

TriangleMesh rounded(const Surface& surface, const Eigen::Vector3d& origin) {
  TriangleMesh mesh;
  mesh.vertices.reserve(surface.points.size());
  for (const auto& point : surface.points) {
    mesh.vertices.push_back((point - origin).cast<float>());
  }
  mesh.faces.reserve(surface.faces.size());
  for (const auto& face : surface.faces) {
    mesh.faces.push_back({static_cast<int32_t>(face[0]), static_cast<int32_t>(face[1]),
                          static_cast<int32_t>(face[2])});
  }
  return mesh;
}

template <class Item>
void keep(std::vector<Item>& items, const std::vector<size_t>& kept) {
  if (!items.empty()) {
    for (size_t i = 0; i < kept.size(); ++i) {
      items[i] = items[kept[i]];
    }
    items.resize(kept.size());
  }
}

// The mean over the surface, each face by six points of it.
Vec3 mean_color(const Paint& paint, const TriangleMesh& mesh) {
  const float a = 1.0F / 6, b = 2.0F / 3, c = 0.5F;
  const std::array<Vec3, 6> points = {Vec3(b, a, a), Vec3(a, b, a), Vec3(a, a, b),
                                      Vec3(c, c, 0), Vec3(c, 0, c), Vec3(0, c, c)};
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  double area = 0;
  for (size_t i = 0; i < mesh.faces.size(); ++i) {
    const auto& face = mesh.faces[i];
    const Eigen::Vector3d at = mesh.vertices[face[0]].cast<double>();
    const double own = (mesh.vertices[face[1]].cast<double>() - at)
                           .cross(mesh.vertices[face[2]].cast<double>() - at)
                           .norm();
    for (const Vec3& point : points) {
      sum += own / 6 * paint.at(i, point).cast<double>();
    }
    area += own;
  }
  return (sum / area).cast<float>();
}

bool is_one_color(const Paint& paint) {
  for (const auto& corners : paint.colors) {
    for (const Vec3& color : corners) {
      if (color != paint.colors.front().front()) {
        return false;
      }
    }
  }
  return paint.textures.empty();
}

Component finished(PlacedComponent placed, const Eigen::Vector3d& origin) {
  Component component;
  component.name = std::move(placed.name);
  component.mesh = rounded(placed.surface, origin);
  const auto kept = weld(component.mesh);
  auto& paint = placed.surface.paint;
  keep(paint.colors, kept);
  keep(paint.face_texture, kept);
  keep(paint.uv, kept);
  if (kept.empty()) {
    return component;
  }
  if (is_one_color(paint)) {
    component.color = paint.colors.front().front();
  } else {
    component.color = mean_color(paint, component.mesh);
    component.paint = std::make_shared<const Paint>(std::move(paint));
  }
  return component;
}

}  // namespace

std::string SceneBuilder::default_name() const { return to_utf8(file_.stem().string()); }

void SceneBuilder::add(PlacedComponent component) {
  if (component.surface.faces.empty()) {
    return;
  }
  component.surface.drop_unused_points();
  for (const auto& point : component.surface.points) {
    if (!point.cast<float>().allFinite()) {
      refuse_mesh_file(file_, "component '" + component.name +
                                  "' has a vertex that is not a number; re-export it.");
    }
  }
  components_.push_back(std::move(component));
}

void SceneBuilder::add_empty(std::string name) {
  if (empty_ == EmptyRule::kKeep) {
    components_.push_back({std::move(name), {}});
  }
}

Eigen::AlignedBox3d SceneBuilder::box() const {
  Eigen::AlignedBox3d box;
  for (const auto& component : components_) {
    for (const auto& point : component.surface.points) {
      box.extend(point);
    }
  }
  return box;
}

// Zero unless the scene is so far out that its floats would be coarser than those of a scene
// around zero: then the middle of its box.
Eigen::Vector3d SceneBuilder::origin() const {
  constexpr double kFar = 16;  // sides from zero: four bits of the floats
  const auto whole = box();
  const bool is_far =
      !whole.isEmpty() && whole.center().cwiseAbs().maxCoeff() > kFar * whole.sizes().maxCoeff();
  return is_far ? Eigen::Vector3d(whole.center()) : Eigen::Vector3d::Zero();
}

Scene SceneBuilder::finish() {
  // Beside the whole scene the floats of such a component are one point.
  constexpr double kSmallest = 1e-14;  // of the square of the scene's longest side
  Scene scene;
  const auto whole = box();
  const double side = whole.isEmpty() ? 0 : whole.sizes().maxCoeff();
  const double smallest = std::isfinite(static_cast<float>(side)) ? kSmallest * side * side : 0;
  scene.origin = origin();
  std::set<std::string> names;
  for (auto& placed : components_) {
    auto component = finished(std::move(placed), scene.origin);
    if (!(surface_area(component.mesh) > smallest)) {
      if (empty_ == EmptyRule::kLeaveOut) {
        log::warn(file_.string() + ": '" + component.name + "' has no area and is left out");
        continue;
      }
      component.mesh = {};
    }
    const std::string name = component.name;
    for (int copy = 2; !names.insert(component.name).second; ++copy) {
      component.name = name + "_" + std::to_string(copy);
    }
    scene.components.push_back(std::move(component));
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
