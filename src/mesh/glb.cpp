#include "glb.h"

#include <utility>

#include "bytes.h"

namespace moca::mesh {
namespace {

void append_chunk(std::string& bytes, uint32_t type, std::string data, char padding) {
  data.resize((data.size() + 3) / 4 * 4, padding);
  append_bytes(bytes, static_cast<uint32_t>(data.size()));
  append_bytes(bytes, type);
  bytes += data;
}

}  // namespace

std::string glb_bytes(std::string json, std::string binary) {
  std::string chunks;
  append_chunk(chunks, kJsonChunk, std::move(json), ' ');
  if (!binary.empty()) {
    append_chunk(chunks, kBinaryChunk, std::move(binary), '\0');
  }
  std::string bytes = "glTF";
  append_bytes(bytes, uint32_t{2});
  append_bytes(bytes, static_cast<uint32_t>(12 + chunks.size()));
  return bytes + chunks;
}

}  // namespace moca::mesh
