#include "glb.h"

#include <utility>

#include "bytes.h"

namespace moca::mesh {
namespace {

void append_number(std::string& bytes, size_t value) {
  append_bytes(bytes, static_cast<uint32_t>(value));
}

void append_chunk(std::string& bytes, uint32_t type, std::string data, char padding) {
  data.resize((data.size() + 3) / 4 * 4, padding);
  append_number(bytes, data.size());
  append_number(bytes, type);
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
  append_number(bytes, 2);
  append_number(bytes, 12 + chunks.size());
  return bytes + chunks;
}

}  // namespace moca::mesh
