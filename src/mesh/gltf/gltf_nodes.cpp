#include "gltf_nodes.h"

#include <algorithm>

#include "gltf_accessor.h"

namespace moca::mesh {
namespace {

constexpr size_t kMaxInstances = 4096;

Eigen::Affine3d from_parts(const double* translation, const double* rotation, const double* scale) {
  Eigen::Affine3d pose = Eigen::Affine3d::Identity();
  if (translation != nullptr) {
    pose.translate(Eigen::Vector3d(translation[0], translation[1], translation[2]));
  }
  if (rotation != nullptr) {  // x, y, z, w
    const Eigen::Quaterniond turn(rotation[3], rotation[0], rotation[1], rotation[2]);
    pose.rotate(turn.norm() > 0 ? turn.normalized() : Eigen::Quaterniond::Identity());
  }
  if (scale != nullptr) {
    pose.scale(Eigen::Vector3d(scale[0], scale[1], scale[2]));
  }
  return pose;
}

Eigen::Affine3d pose_of(const GltfDocument& gltf, const tinygltf::Node& node) {
  const auto numbers = [&](const std::vector<double>& list, size_t count,
                           const char* what) -> const double* {
    gltf.require(list.empty() || list.size() == count, "node '", node.name, "': its ", what,
                 " has ", list.size(), " numbers, ", count, " are needed; export it again.");
    return list.empty() ? nullptr : list.data();
  };
  Eigen::Affine3d pose;
  if (const double* matrix = numbers(node.matrix, 16, "matrix")) {
    pose.matrix() = Eigen::Map<const Eigen::Matrix4d>(matrix);  // column by column
    pose.makeAffine();
  } else {
    pose = from_parts(numbers(node.translation, 3, "translation"),
                      numbers(node.rotation, 4, "rotation"), numbers(node.scale, 3, "scale"));
  }
  gltf.require(pose.matrix().allFinite(), "node '", node.name,
               "' has a transform that is not a number; export it again.");
  return pose;
}

std::vector<int> parents_of(const GltfDocument& gltf) {
  const auto& nodes = gltf.model.nodes;
  std::vector<int> parents(nodes.size(), -1);
  for (size_t parent = 0; parent < nodes.size(); ++parent) {
    for (const int child : nodes[parent].children) {
      gltf.at(nodes, child, "node");
      gltf.require(parents[child] < 0, "node ", child, " has two parents; export it again.");
      parents[child] = static_cast<int>(parent);
    }
  }
  return parents;
}

// The nodes below `roots`, parents first; no recursion, since files of 20,000 levels exist.
std::vector<int> preorder(const GltfDocument& gltf, const std::vector<int>& roots) {
  std::vector<int> visited, pending(roots.rbegin(), roots.rend());  // the first is taken first
  std::vector<bool> seen(gltf.model.nodes.size());
  while (!pending.empty()) {
    const int index = pending.back();
    pending.pop_back();
    const auto& node = gltf.at(gltf.model.nodes, index, "node");
    gltf.require(!seen[index], "node ", index, " is reached twice; export it again.");
    seen[index] = true;
    visited.push_back(index);
    pending.insert(pending.end(), node.children.rbegin(), node.children.rend());
  }
  return visited;
}

}  // namespace

GltfNodes walk_nodes(const GltfDocument& gltf) {
  const auto& model = gltf.model;
  gltf.require(!model.scenes.empty(),
               "it has no scene, only meshes that no node places; export a scene.");
  const auto parents = parents_of(gltf);
  std::vector<int> roots;
  for (size_t i = 0; i < parents.size(); ++i) {
    if (parents[i] < 0) {
      roots.push_back(static_cast<int>(i));
    }
  }
  GltfNodes nodes;
  nodes.world.assign(model.nodes.size(), Eigen::Affine3d::Identity());
  const auto all = preorder(gltf, roots);
  gltf.require(all.size() == model.nodes.size(), "its nodes form a circle; export it again.");
  for (const int index : all) {
    const auto pose = pose_of(gltf, model.nodes[index]);
    nodes.world[index] = parents[index] < 0 ? pose : nodes.world[parents[index]] * pose;
  }
  const auto& scene = gltf.at(model.scenes, std::max(model.defaultScene, 0), "scene");
  nodes.visited = preorder(gltf, scene.nodes);
  return nodes;
}

std::vector<Eigen::Affine3d> instances_of(const GltfDocument& gltf, const tinygltf::Node& node) {
  const auto extension = node.extensions.find("EXT_mesh_gpu_instancing");
  if (extension == node.extensions.end() || !extension->second.Has("attributes")) {
    return {Eigen::Affine3d::Identity()};
  }
  const auto& attributes = extension->second.Get("attributes");
  const auto rows = [&](const char* name, size_t width) {
    return attributes.Has(name)
               ? read_rows(gltf, attributes.Get(name).GetNumberAsInt(), name, width)
               : AccessorRows{};
  };
  const auto translations = rows("TRANSLATION", 3), rotations = rows("ROTATION", 4),
             scales = rows("SCALE", 3);
  const size_t count = std::max({translations.count, rotations.count, scales.count});
  std::vector<Eigen::Affine3d> instances;
  for (const auto* part : {&translations, &rotations, &scales}) {
    gltf.require((part->count == count || part->count == 0) && count <= kMaxInstances, "node '",
                 node.name, "' has ", count, " instances; at most ", kMaxInstances,
                 " of equally many translations, rotations and scales are read.");
  }
  for (size_t i = 0; i < count; ++i) {
    const auto part = [&](const AccessorRows& of) { return of.count > 0 ? of.row(i) : nullptr; };
    instances.push_back(from_parts(part(translations), part(rotations), part(scales)));
  }
  return instances;
}

}  // namespace moca::mesh
