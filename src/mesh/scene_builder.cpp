#include "scene_builder.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <set>

#include "mesh_file_check.h"
#include "moca/core/logging.h"
#include "moca/core/mapped.h"
#include "moca/core/utf8.h"
#include "moca/mesh/scene_ops.h"

namespace moca::mesh {
namespace {

TriangleMesh rounded(const Surface& surface, const Eigen::Vector3d& origin) {
  const auto moved = [&](const Eigen::Vector3d& point) -> Vec3 {
    return (point - origin).cast<float>();
  };
  const auto signed_face = [](const auto& face) {
    return std::bit_cast<std::array<int32_t, 3>>(face);
  };
  return {mapped(surface.points, moved), mapped(surface.faces, signed_face)};
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
    const double own = double_area_normal(mesh, mesh.faces[i]).norm();
    for (const Vec3& point : points) {
      sum += own / 6 * paint.at(i, point).cast<double>();
    }
    area += own;
  }
  return (sum / area).cast<float>();
}

bool is_one_color(const Paint& paint) {
  const Vec3& first = paint.colors.front().front();
  return paint.textures.empty() && std::ranges::all_of(paint.colors, [&](const auto& corners) {
           return corners == std::array<Vec3, 3>{first, first, first};
         });
}

Component finished(PlacedComponent placed, const Eigen::Vector3d& origin) {
  Component component{std::move(placed.name), rounded(placed.surface, origin)};
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

Eigen::AlignedBox3d box_of(const std::vector<PlacedComponent>& components) {
  Eigen::AlignedBox3d box;
  for (const auto& component : components) {
    for (const auto& point : component.surface.points) {
      box.extend(point);
    }
  }
  return box;
}

}  // namespace

void SceneBuilder::add(PlacedComponent component) {
  if (component.surface.faces.empty()) {
    return;
  }
  if (component.name.empty()) {
    component.name = to_utf8(file_.stem().string());
  }
  component.surface.drop_unused_points();
  for (const auto& point : component.surface.points) {
    require(point.cast<float>().allFinite(), file_, "component '", component.name,
            "' has a vertex that is not a number; re-export it.");
  }
  components_.push_back(std::move(component));
}

void SceneBuilder::add_empty(std::string name) {
  if (empty_ == EmptyRule::kKeep) {
    components_.push_back({std::move(name), {}});
  }
}

Scene SceneBuilder::finish() {
  // Beside the whole scene the floats of such a component are one point.
  constexpr double kSmallest = 1e-14;  // of the square of the scene's longest side
  Scene scene;
  // Beyond so many sides from zero the scene's floats would be coarser, by four bits, than those of
  // a scene around zero.
  constexpr double kFar = 16;
  const auto whole = box_of(components_);
  const double side = whole.isEmpty() ? 0 : whole.sizes().maxCoeff();
  const double smallest = std::isfinite(static_cast<float>(side)) ? kSmallest * side * side : 0;
  if (!whole.isEmpty() && whole.center().cwiseAbs().maxCoeff() > kFar * side) {
    scene.origin = whole.center();
  }
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
  require(!components_.empty(), file_, "it has no faces; export a surface, not points or lines.");
  require(!scene.components.empty(), file_, "its faces have no area; export a surface.");
  return scene;
}

}  // namespace moca::mesh
