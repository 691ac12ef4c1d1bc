#include "gltf_faces.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "mesh_file_check.h"

namespace moca::mesh {
namespace {

using Json = nlohmann::json;

int64_t count_faces(const Json& primitive, const Json& accessors) {
  const Json& attributes = primitive.at("attributes");
  if (!attributes.contains("POSITION")) {
    return 0;
  }
  const Json& corners =
      primitive.contains("indices") ? primitive["indices"] : attributes["POSITION"];
  const auto count = accessors.at(corners.get<size_t>()).at("count").get<int64_t>();
  // Modes of the glTF 2.0 specification: 4 triangles, 5 strip, 6 fan; lower ones have no faces.
  const int mode = primitive.value("mode", 4);
  if (mode < 4) {
    return 0;
  }
  return mode == 4 ? count / 3 : std::max<int64_t>(count - 2, 0);
}

std::set<size_t> used_meshes(const Json& root) {
  std::set<size_t> meshes;
  std::set<size_t> seen;
  const Json& scene = root.at("scenes").at(root.value("scene", size_t{0}));
  auto pending = scene.value("nodes", std::vector<size_t>());
  while (!pending.empty()) {
    const size_t index = pending.back();
    pending.pop_back();
    if (!seen.insert(index).second) {
      continue;
    }
    const Json& node = root.at("nodes").at(index);
    if (node.contains("mesh")) {
      meshes.insert(node["mesh"].get<size_t>());
    }
    const auto children = node.value("children", std::vector<size_t>());
    pending.insert(pending.end(), children.begin(), children.end());
  }
  return meshes;
}

}  // namespace

int64_t count_gltf_faces(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (text.starts_with("glTF")) {
    uint32_t length = 0;  // of the JSON chunk, whose data begin at byte 20
    std::memcpy(&length, text.data() + 12, sizeof(length));
    text = text.substr(20, length);
  }
  try {
    const Json root = Json::parse(text);
    int64_t count = 0;
    for (const size_t mesh : used_meshes(root)) {
      for (const Json& primitive : root.at("meshes").at(mesh).at("primitives")) {
        count += count_faces(primitive, root.at("accessors"));
      }
    }
    return count;
  } catch (const Json::exception& error) {
    refuse_mesh_file(file, std::string("its JSON is broken: ") + error.what() + "; re-export it.");
  }
}

}  // namespace moca::mesh
