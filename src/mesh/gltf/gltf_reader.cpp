#include "gltf_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gltf_accessor.h"
#include "gltf_paint.h"
#include "gltf_primitive.h"

namespace moca::mesh {
namespace {

class Reader {
 public:
  Reader(const std::filesystem::path& file, ComponentRule rule, NodeOrder order,
         SceneBuilder& builder)
      : gltf_(load_gltf(file)),
        nodes_(walk_nodes(gltf_, order)),
        rule_(rule),
        order_(order),
        builder_(builder) {}

  void read() {
    for (const int index : nodes_.visited) {
      const auto& node = gltf_.model.nodes[static_cast<size_t>(index)];
      if (node.mesh < 0) {
        continue;
      }
      const auto& mesh = gltf_.at(gltf_.model.meshes, node.mesh, "mesh");
      for (const auto& instance : instances_of(gltf_, node)) {
        add_node(node, mesh, nodes_.world[static_cast<size_t>(index)] * instance);
      }
    }
  }

 private:
  void add_node(const tinygltf::Node& node, const tinygltf::Mesh& mesh,
                const Eigen::Affine3d& pose) {
    const auto& weights = node.weights.empty() ? mesh.weights : node.weights;
    const auto joints = joints_of(node);
    PlacedComponent component = new_component(node);
    for (const auto& primitive : mesh.primitives) {
      if (order_ == NodeOrder::kTrimesh && primitive.mode == TINYGLTF_MODE_TRIANGLE_FAN) {
        continue;  // trimesh leaves fans out
      }
      const auto look = paint_.look_of(primitive);
      auto surface = read_surface(gltf_, primitive, weights, look.texcoord);
      if (surface.faces.empty()) {
        continue;
      }
      if (joints.empty()) {
        place(pose, surface);
      } else {
        apply_skin(gltf_, primitive, joints, surface);
      }
      paint(look, surface);
      component.surface.append(surface);
      if (rule_ == ComponentRule::kPrimitive) {
        builder_.add(std::exchange(component, new_component(node)));
      }
    }
    builder_.add(std::move(component));
  }

  PlacedComponent new_component(const tinygltf::Node& node) const {
    PlacedComponent component;
    component.name = node.name.empty() ? builder_.default_name() : node.name;
    return component;
  }

  // A mirroring transform turns the faces inside out; swapping two corners turns them back.
  static void place(const Eigen::Affine3d& pose, Surface& surface) {
    for (auto& point : surface.points) {
      point = pose * point;
    }
    if (pose.linear().determinant() < 0) {
      for (auto& face : surface.faces) {
        std::swap(face[1], face[2]);
      }
    }
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
  NodeOrder order_;
  SceneBuilder& builder_;
};

}  // namespace

void read_gltf(const std::filesystem::path& file, ComponentRule rule, NodeOrder order,
               SceneBuilder& builder) {
  Reader(file, rule, order, builder).read();
}

}  // namespace moca::mesh
