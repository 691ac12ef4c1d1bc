#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <vector>

#include "gltf_document.h"

namespace moca::mesh {

// Triangles with their points in double: what places them is applied before they become float.
struct Surface {
  std::vector<Eigen::Vector3d> points;
  std::vector<std::array<uint32_t, 3>> faces;
};

// The triangles of a primitive in its node's frame: lists, strips and fans, Draco decoded, morph
// targets of the node's (else the mesh's) weights applied. Empty for points and lines.
Surface read_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                     const std::vector<double>& morph_weights);

// The points as the joints of a skin place them in the scene (glTF 2.0, 3.7.3).
// `joints`: per joint its matrix in the scene times its inverse bind matrix.
void apply_skin(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                const std::vector<Eigen::Matrix4d>& joints, Surface& surface);

}  // namespace moca::mesh
