#include "gltf_json.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "../bytes.h"
#include "../glb.h"
#include "../mesh_file_check.h"
#include "moca/core/file_io.h"
#include "moca/core/utf8.h"

namespace moca::mesh {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;  // of JSON that is read; glTF itself needs about ten

// What changes the geometry or how it is stored, and is read.
constexpr std::array<std::string_view, 4> kRead = {
    "KHR_mesh_quantization", "EXT_mesh_gpu_instancing", "EXT_meshopt_compression",
    "KHR_draco_mesh_compression"};
// What leaves the geometry as it is: materials, textures, lights, metadata.
constexpr std::array<std::string_view, 6> kHarmless = {
    "KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "KHR_lights_", "KHR_xmp"};

bool is_understood(const std::string& extension) {
  const auto begins_it = [&](std::string_view prefix) { return extension.starts_with(prefix); };
  return std::ranges::count(kRead, extension) > 0 || std::ranges::any_of(kHarmless, begins_it);
}

// The chunks of a GLB (mesh_file_check has checked that they fit): JSON and the first binary one.
std::pair<std::string, std::string> chunks_of(const std::filesystem::path& file,
                                              const std::string& bytes) {
  std::string json, binary;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const auto length = value_at<uint32_t>(&bytes[at]), type = value_at<uint32_t>(&bytes[at + 4]);
    std::string& target = type == kJsonChunk ? json : binary;
    if ((type == kJsonChunk || type == kBinaryChunk) && target.empty()) {
      target = bytes.substr(at + 8, length);
    }
    at += 8 + static_cast<size_t>(length);
  }
  require(!json.empty(), file, "it has no JSON chunk; export it again.");
  return {std::move(json), std::move(binary)};
}

// How deep the brackets of a JSON text are nested, without reading it.
int depth_of(const std::string& text) {
  int depth = 0, deepest = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      i += c == '\\' ? 1 : 0;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

// What programs add for themselves: tinygltf would copy it.
void drop_extras(Json& json) {
  if (json.is_object()) {
    json.erase("extras");
  }
  if (json.is_structured()) {
    for (auto& value : json) {
      drop_extras(value);
    }
  }
}

Json parse(const std::filesystem::path& file, std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  }
  require(depth_of(text) <= kMaxDepth, file, "its JSON is nested deeper than ", kMaxDepth,
          " levels; export it again.");
  try {
    auto root = Json::parse(to_utf8(text));
    require(root.is_object(), file, "its JSON is no object; export it again.");
    drop_extras(root);
    return root;
  } catch (const Json::exception& error) {
    refuse_mesh_file(file, "its JSON is broken: ", error.what(), "; re-export it.");
  }
}

void check_version_and_extensions(const std::filesystem::path& file, const Json& root) {
  const auto version = root.at("asset").at("version").get<std::string>();
  require(version.starts_with("2."), file, "it is glTF version ", version, "; export version 2.0.");
  for (const auto& extension : root.value("extensionsRequired", Json::array())) {
    require(is_understood(extension.get<std::string>()), file, "it requires the extension ",
            extension.get<std::string>(), ", which is not read; export it without.");
  }
}

// tinygltf takes a negative or broken number of these for 0.
void check_extents(const std::filesystem::path& file, const Json& object,
                   const std::string& where) {
  for (const char* key : {"byteOffset", "byteLength", "byteStride", "count"}) {
    if (object.contains(key) && !object[key].is_number_unsigned()) {
      refuse_mesh_file(file, where, ".", key, " is ", object[key].dump(),
                       ", which is no whole number; export it again.");
    }
  }
}

void check_extents(const std::filesystem::path& file, const Json& root) {
  for (const char* list : {"buffers", "bufferViews", "accessors"}) {
    const Json objects = root.value(list, Json::array());
    for (size_t i = 0; i < objects.size(); ++i) {
      const std::string where = std::string(list) + "[" + std::to_string(i) + "]";
      check_extents(file, objects[i], where);
      if (objects[i].contains("sparse")) {
        const auto& sparse = objects[i]["sparse"];
        check_extents(file, sparse, where + ".sparse");
        check_extents(file, sparse.at("indices"), where + ".sparse.indices");
        check_extents(file, sparse.at("values"), where + ".sparse.values");
      }
    }
  }
}

// Buffers of EXT_meshopt_compression may be without data: their views say what to decode.
void fill_fallback_buffers(GltfJson& gltf) {
  gltf.fallback_bytes.resize(gltf.root.value("buffers", Json::array()).size());
  for (size_t i = 0; i < gltf.fallback_bytes.size(); ++i) {
    auto& buffer = gltf.root["buffers"][i];
    const auto extensions = buffer.value("extensions", Json::object());
    const auto meshopt = extensions.value("EXT_meshopt_compression", Json::object());
    if (meshopt.value("fallback", false)) {
      gltf.fallback_bytes[i] = buffer.at("byteLength").get<uint64_t>();
      buffer["byteLength"] = 1;
      buffer["uri"] = "data:application/octet-stream;base64,AA==";
    }
  }
}

// The indices of a primitive that only Draco holds: their accessor has no data, which tinygltf
// takes for a mistake.
void leave_indices_to_draco(Json& root) {
  if (!root.contains("meshes")) {
    return;
  }
  const Json accessors = root.value("accessors", Json::array());
  for (auto& mesh : root["meshes"]) {
    for (auto& primitive : mesh.at("primitives")) {
      const auto extensions = primitive.value("extensions", Json::object());
      if (extensions.contains("KHR_draco_mesh_compression") && primitive.contains("indices") &&
          !accessors.at(primitive["indices"].get<size_t>()).contains("bufferView")) {
        primitive.erase("indices");
      }
    }
  }
}

// A skin may leave them out, which means identities (3.7.3.2); tinygltf 2.7 asks for them.
void name_inverse_bind_matrices(Json& root) {
  if (!root.contains("skins")) {
    return;
  }
  for (auto& skin : root["skins"]) {
    if (!skin.contains("inverseBindMatrices")) {
      skin["inverseBindMatrices"] = -1;  // tinygltf's own "none"
    }
  }
}

}  // namespace

GltfJson read_gltf_json(const std::filesystem::path& file) {
  GltfJson gltf;
  std::string text = read_file(file);
  if (text.starts_with("glTF")) {
    std::tie(text, gltf.binary) = chunks_of(file, text);
  }
  gltf.root = parse(file, std::move(text));
  // Kept from tinygltf: images that are missing or broken are no reason to refuse a shape.
  for (const char* key : {"images", "textures", "samplers"}) {
    if (gltf.root.contains(key)) {
      gltf.images[key] = std::move(gltf.root[key]);
      gltf.root.erase(key);
    }
  }
  gltf.root.erase("animations");
  gltf.root.erase("cameras");
  try {
    check_version_and_extensions(file, gltf.root);
    check_extents(file, gltf.root);
    fill_fallback_buffers(gltf);
    leave_indices_to_draco(gltf.root);
    name_inverse_bind_matrices(gltf.root);
  } catch (const Json::exception& error) {
    refuse_mesh_file(file, "its JSON is no glTF: ", error.what(), "; re-export it.");
  }
  return gltf;
}

}  // namespace moca::mesh
