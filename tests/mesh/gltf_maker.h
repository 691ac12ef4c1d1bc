#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moca/core/file_io.h"

namespace moca::testing {

// A glTF that a test puts together piece by piece. Mesh 0 is a tetrahedron with corners at the
// origin and at 1 on each axis: area 1.5 + sqrt(3) / 2, volume 1 / 6.
class GltfMaker {
 public:
  using Json = nlohmann::json;

  GltfMaker() {
    root = {{"asset", {{"version", "2.0"}}},
            {"scene", 0},
            {"scenes", Json::array({{{"nodes", Json::array()}}})},
            {"nodes", Json::array()},
            {"meshes", Json::array()},
            {"accessors", Json::array()},
            {"bufferViews", Json::array()},
            {"buffers", Json::array({{{"byteLength", 0}}})}};
    const int positions = accessor<float>({0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, 5126, "VEC3");
    const int indices = accessor<uint16_t>({0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3}, 5123, "SCALAR");
    mesh({{"attributes", {{"POSITION", positions}}}, {"indices", indices}});
  }

  // Each returns the index of what it adds.
  int view(const void* bytes, size_t size, const Json& more = Json::object()) {
    buffer.resize((buffer.size() + 3) / 4 * 4);
    Json added = {{"buffer", 0}, {"byteOffset", buffer.size()}, {"byteLength", size}};
    added.update(more);
    buffer.append(static_cast<const char*>(bytes), size);
    return push("bufferViews", added);
  }
  template <class Number>
  int accessor(const std::vector<Number>& numbers, int component_type, const std::string& type,
               const Json& more = Json::object()) {
    const size_t width = type == "SCALAR" ? 1 : type == "VEC3" ? 3 : type == "VEC4" ? 4 : 16;
    Json added = {{"bufferView", view(numbers.data(), numbers.size() * sizeof(Number))},
                  {"componentType", component_type},
                  {"count", numbers.size() / width},
                  {"type", type}};
    added.update(more);
    return push("accessors", added);
  }
  int mesh(const Json& primitive, const Json& more = Json::object()) {
    Json added = {{"primitives", Json::array({primitive})}};
    added.update(more);
    return push("meshes", added);
  }
  int node(const Json& added, bool is_root = true) {
    const int index = push("nodes", added);
    if (is_root) {
      root["scenes"][0]["nodes"].push_back(index);
    }
    return index;
  }
  int push(const char* list, const Json& added) {
    root[list].push_back(added);
    return static_cast<int>(root[list].size()) - 1;
  }

  std::string json() {
    root["buffers"][0]["byteLength"] = buffer.size();
    return root.dump();
  }
  void write_glb(const std::filesystem::path& file) { write_glb(file, json()); }
  // The JSON as it is given, for texts that a JSON library would not write.
  void write_glb(const std::filesystem::path& file, std::string json) {
    json.append((4 - json.size() % 4) % 4, ' ');
    std::string data = buffer;
    data.resize((data.size() + 3) / 4 * 4);
    const auto number = [](size_t value) {
      const auto small = static_cast<uint32_t>(value);
      return std::string(reinterpret_cast<const char*>(&small), 4);
    };
    write_file(file, "glTF" + number(2) + number(28 + json.size() + data.size()) +
                         number(json.size()) + "JSON" + json + number(data.size()) +
                         std::string("BIN\0", 4) + data);
  }
  // JSON with its buffer beside it, named by `uri`.
  void write_gltf(const std::filesystem::path& file, const std::string& uri,
                  const std::string& buffer_name, const std::string& before = "") {
    root["buffers"][0]["uri"] = uri;
    write_file(file.parent_path() / buffer_name, buffer);
    write_file(file, before + json());
  }

  Json root;
  std::string buffer;
};

}  // namespace moca::testing
