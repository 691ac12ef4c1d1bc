#pragma once

#include <filesystem>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// Reads a PLY, ASCII or binary; polygons become fans. assimp 5.2.5 crashes on PLY files with vertex
// indices out of range, so this format is read here.
TriangleMesh read_ply(const std::filesystem::path& file);

}  // namespace moca::mesh
