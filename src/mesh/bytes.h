#pragma once

#include <bit>
#include <cstring>
#include <string>

// Numbers in the bytes of files.
namespace moca::mesh {

static_assert(std::endian::native == std::endian::little, "GLB, STL and our PLY are little-endian");

// What the bytes from here on hold.
template <class Value>
Value value_at(const void* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

template <class Value>
void append_bytes(std::string& bytes, const Value& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace moca::mesh
