#pragma once

#include <filesystem>

#include "../scene_builder.h"
#include "gltf_nodes.h"
#include "moca/mesh/mesh_io.h"

namespace moca::mesh {

// Gives the components of a GLB or glTF file to the builder, node after node.
void read_gltf(const std::filesystem::path& file, ComponentRule rule, NodeOrder order,
               SceneBuilder& builder);

}  // namespace moca::mesh
