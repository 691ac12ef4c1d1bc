#pragma once

#include <filesystem>

#include "scene_builder.h"

namespace moca::mesh {

// Gives the solids of an STL file to the builder: one of a binary file, any number of a text.
// Colours, which no standard defines, are not read.
void read_stl(const std::filesystem::path& file, SceneBuilder& builder);

}  // namespace moca::mesh
