#pragma once

#include <Eigen/Core>
#include <vector>

#include "../surface.h"
#include "gltf_accessor.h"
#include "gltf_document.h"

namespace moca::mesh {

// A surface and what its points carry besides; no rows where the primitive has none.
struct PrimitiveSurface : Surface {
  AccessorRows colors;  // COLOR_0, three or four numbers
  AccessorRows uvs;     // TEXCOORD of the set asked for, two numbers
};

// The triangles of a primitive in its node's frame, not painted: lists, strips and fans, Draco
// decoded, morph targets of the node's (else the mesh's) weights applied. Empty for points and
// lines.
PrimitiveSurface read_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                              const std::vector<double>& morph_weights, int texcoord);

// Whether only KHR_draco_mesh_compression holds the primitive: files that are also to be read
// without it have plain accessors as well.
bool needs_draco(const GltfDocument& gltf, const tinygltf::Primitive& primitive);
PrimitiveSurface draco_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                               int texcoord);

// The points as the joints of a skin place them in the scene (glTF 2.0, 3.7.3).
// `joints`: per joint its matrix in the scene times its inverse bind matrix.
void apply_skin(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                const std::vector<Eigen::Matrix4d>& joints, Surface& surface);

}  // namespace moca::mesh
