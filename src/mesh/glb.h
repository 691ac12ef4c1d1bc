#pragma once

#include <cstdint>
#include <string>

namespace moca::mesh {

// What write_glb names in asset.generator: its nodes without a mesh are components without faces.
inline constexpr const char* kGenerator = "moca";

// Types of chunks (glTF 2.0, section 4.4.3).
inline constexpr uint32_t kJsonChunk = 0x4E4F534A;
inline constexpr uint32_t kBinaryChunk = 0x004E4942;

// The bytes of a GLB; without a binary chunk where there is no data.
std::string glb_bytes(std::string json, std::string binary);

}  // namespace moca::mesh
