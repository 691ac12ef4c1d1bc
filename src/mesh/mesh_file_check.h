#pragma once

#include <filesystem>
#include <string>

namespace moca::mesh {

// Throws the Error of a mesh file that cannot be read: the file, the reason and the way out.
[[noreturn]] void refuse_mesh_file(const std::filesystem::path& file, const std::string& reason);

// The file's ending in lower case, with its dot. Refuses it unless the file is there, not empty,
// has a known ending and, for a GLB, is as long as its header says.
std::string check_mesh_file(const std::filesystem::path& file);

}  // namespace moca::mesh
