#pragma once

#include <filesystem>

#include "surface.h"

namespace moca::mesh {

// Reads a PLY, text or binary: polygons and triangle strips, colours of vertices or faces. Textures
// are named in a warning. Refuses what is broken, naming the file.
Surface read_ply(const std::filesystem::path& file);

}  // namespace moca::mesh
