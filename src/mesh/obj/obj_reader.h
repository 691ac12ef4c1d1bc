#pragma once

#include <filesystem>

#include "../scene_builder.h"
#include "moca/mesh/mesh_io.h"

namespace moca::mesh {

// Gives the components of an OBJ file to the builder: its objects or, where it names none, its
// groups; by ComponentRule::kPrimitive each of them divided by material.
void read_obj(const std::filesystem::path& file, ComponentRule rule, SceneBuilder& builder);

}  // namespace moca::mesh
