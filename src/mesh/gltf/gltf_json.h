#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moca::mesh {

// A glTF file before its meaning: the JSON and, of a GLB, the binary chunk.
struct GltfJson {
  nlohmann::json root;
  nlohmann::json images = nlohmann::json::object();  // what root had of images and textures
  std::string binary;
  // Bytes of each buffer that only compressed views fill (EXT_meshopt_compression), 0 for others.
  std::vector<uint64_t> fallback_bytes;
};

// Reads and repairs what tinygltf would stumble over: a byte order mark, text that is not UTF-8,
// `extras`, buffers without data, Draco's accessors without data. Refuses required
// extensions that we do not read.
GltfJson read_gltf_json(const std::filesystem::path& file);

}  // namespace moca::mesh
