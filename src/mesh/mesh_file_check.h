#pragma once

#include <filesystem>
#include <string>

#include "moca/core/error.h"

namespace moca::mesh {

// Throws the Error of a mesh file that cannot be read: the file, the reason and the way out, in
// parts that are texts and numbers.
template <class... Parts>
[[noreturn]] void refuse_mesh_file(const std::filesystem::path& file, const Parts&... reason) {
  throw Error("Cannot read the mesh file ", file, ": ", reason...);
}

// Refuses the file unless this holds.
template <class... Parts>
void require(bool holds, const std::filesystem::path& file, const Parts&... reason) {
  if (!holds) {
    refuse_mesh_file(file, reason...);
  }
}

// The file's ending in lower case, with its dot. Refuses it unless the file is there, not empty,
// has a known ending and, for a GLB, is as long as its header says.
std::string check_mesh_file(const std::filesystem::path& file);

// The path of a file that a mesh file names, as its folder sees it.
std::filesystem::path named_file(const std::filesystem::path& mesh_file, std::string name);

// Whether a path is a file that a mesh could name: not a folder, a pipe, or something of /dev or
// /proc, which may have no end.
bool is_ordinary_file(const std::filesystem::path& path);

// The bytes of a file that a mesh file names, or an Error that names it.
std::string read_named_file(const std::filesystem::path& mesh_file, const std::string& name);

}  // namespace moca::mesh
