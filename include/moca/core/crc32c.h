#pragma once

#include <cstddef>
#include <cstdint>

namespace moca {

// CRC-32C (Castagnoli) of `size` bytes; `before` is the checksum of what comes before them.
uint32_t crc32c(const void* data, size_t size, uint32_t before = 0);

}  // namespace moca
