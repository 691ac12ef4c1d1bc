#pragma once

#include <Eigen/Geometry>
#include <vector>

#include "gltf_document.h"

namespace moca::mesh {

// The nodes of a file and where they are.
struct GltfNodes {
  std::vector<int> visited;            // those of the scene, every parent before its children
  std::vector<Eigen::Affine3d> world;  // of every node of the file: its frame to the scene's
};

// Refuses cycles, nodes with two parents, and a file without a scene.
GltfNodes walk_nodes(const GltfDocument& gltf);

// The instances of a node by EXT_mesh_gpu_instancing, in its frame; one that changes nothing
// without the extension.
std::vector<Eigen::Affine3d> instances_of(const GltfDocument& gltf, const tinygltf::Node& node);

}  // namespace moca::mesh
