#include "moca/mesh/mesh_io.h"

#include <string>

#include "mesh_file_check.h"
#include "readers.h"

namespace moca::mesh {
namespace {

Scene read(const std::filesystem::path& file, ComponentRule rule, EmptyRule empty) {
  const std::string ending = check_mesh_file(file);
  SceneBuilder builder(file, empty);
  if (ending == ".glb" || ending == ".gltf") {
    read_gltf(file, rule, builder);
  } else if (ending == ".obj") {
    read_obj(file, rule, builder);
  } else if (ending == ".ply") {
    builder.add({"", read_ply(file)});
  } else {
    read_stl(file, builder);
  }
  return builder.finish();
}

}  // namespace

Scene read_scene(const std::filesystem::path& file, ComponentRule rule) {
  return read(file, rule, EmptyRule::kLeaveOut);
}

Scene read_scene_with_empty(const std::filesystem::path& file) {
  return read(file, ComponentRule::kNode, EmptyRule::kKeep);
}

}  // namespace moca::mesh
