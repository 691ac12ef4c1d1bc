#pragma once

#include "gltf_primitive.h"

namespace moca::mesh {

// Whether only KHR_draco_mesh_compression holds the primitive: files that are also to be read
// without it have plain accessors as well.
bool needs_draco(const GltfDocument& gltf, const tinygltf::Primitive& primitive);

PrimitiveSurface draco_surface(const GltfDocument& gltf, const tinygltf::Primitive& primitive,
                               int texcoord);

}  // namespace moca::mesh
