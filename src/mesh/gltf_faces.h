#pragma once

#include <cstdint>
#include <filesystem>

namespace moca::mesh {

// Number of triangles that the meshes of a .glb (checked by check_mesh_file) or .gltf list, over
// all meshes that the default scene uses, which are those assimp loads; each counts once.
// assimp 5.2.5 silently drops faces whose indices are out of range; the difference tells.
int64_t count_gltf_faces(const std::filesystem::path& file);

}  // namespace moca::mesh
