#include <utility>
#include <vector>

#include "../glb.h"
#include "../readers.h"
#include "gltf_nodes.h"
#include "gltf_paint.h"
#include "gltf_primitive.h"
#include "moca/core/logging.h"

namespace moca::mesh {
namespace {

class Reader {
 public:
  Reader(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder)
      : gltf_(load_gltf(file)), nodes_(walk_nodes(gltf_)), rule_(rule), builder_(builder) {}

  void read() {
    for (const int index : nodes_.visited) {
      const auto& node = gltf_.model.nodes[index];
      if (node.mesh < 0) {
        if (gltf_.model.asset.generator == kGenerator) {
          builder_.add_empty(node.name);
        }
        continue;
      }
      const auto& mesh = gltf_.at(gltf_.model.meshes, node.mesh, "mesh");
      const auto joints = joints_of(node);
      const auto surfaces = surfaces_of(node, mesh, joints);
      for (const auto& instance : instances_of(gltf_, node)) {
        add_component(
            node, surfaces,
            joints.empty() ? nodes_.world[index] * instance : Eigen::Affine3d::Identity());
      }
    }
  }

 private:
  // A primitive each, read once for all instances; joints place them.
  std::vector<PrimitiveSurface> surfaces_of(const tinygltf::Node& node, const tinygltf::Mesh& mesh,
                                            const std::vector<Eigen::Matrix4d>& joints) {
    const auto& weights = node.weights.empty() ? mesh.weights : node.weights;
    std::vector<PrimitiveSurface> surfaces;
    for (const auto& primitive : mesh.primitives) {
      if (primitive.mode >= 0 && primitive.mode < TINYGLTF_MODE_TRIANGLES) {
        log::warn(gltf_.file.string() + ": the points or lines of '" + node.name +
                  "' are left out");
      }
      const auto shading = paint_.shading_of(primitive);
      auto surface = read_surface(gltf_, primitive, weights, shading.texcoord);
      if (surface.faces.empty()) {
        continue;
      }
      if (!joints.empty()) {
        apply_skin(gltf_, primitive, joints, surface);
      }
      paint(shading, surface);
      surface.drop_unused_points();
      surfaces.push_back(std::move(surface));
    }
    return surfaces;
  }

  void add_component(const tinygltf::Node& node, const std::vector<PrimitiveSurface>& surfaces,
                     const Eigen::Affine3d& pose) {
    PlacedComponent component{node.name, {}};
    for (const Surface& surface : surfaces) {
      component.surface.append(surface, pose);
      if (rule_ == ComponentRule::kPrimitive) {
        builder_.add(std::exchange(component, {node.name, {}}));
      }
    }
    builder_.add(std::move(component));
  }

  std::vector<Eigen::Matrix4d> joints_of(const tinygltf::Node& node) const {
    std::vector<Eigen::Matrix4d> joints;
    if (node.skin < 0) {
      return joints;
    }
    const auto& skin = gltf_.at(gltf_.model.skins, node.skin, "skin");
    AccessorRows inverse;
    if (skin.inverseBindMatrices >= 0) {
      inverse = read_rows(gltf_, skin.inverseBindMatrices, "inverseBindMatrices", 16);
    }
    for (size_t i = 0; i < skin.joints.size(); ++i) {
      Eigen::Matrix4d matrix = gltf_.at(nodes_.world, skin.joints[i], "joint").matrix();
      if (i < inverse.count) {
        matrix *= Eigen::Map<const Eigen::Matrix4d>(inverse.row(i));
      }
      joints.push_back(matrix);
    }
    return joints;
  }

  GltfDocument gltf_;
  GltfNodes nodes_;
  GltfPaint paint_{gltf_};
  ComponentRule rule_;
  SceneBuilder& builder_;
};

}  // namespace

void read_gltf(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder) {
  Reader(file, rule, builder).read();
}

}  // namespace moca::mesh
