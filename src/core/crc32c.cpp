#include "moca/core/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace moca {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78U;  // Castagnoli's, bits reversed (RFC 3720)

// The checksum of every byte.
constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? (value >> 1U) ^ kPolynomial : value >> 1U;
    }
    table[byte] = value;
  }
  return table;
}

uint32_t by_table(const unsigned char* bytes, size_t size, uint32_t value) {
  static constexpr auto kTable = make_table();
  for (size_t i = 0; i < size; ++i) {
    value = (value >> 8U) ^ kTable[(value ^ bytes[i]) & 0xFFU];
  }
  return value;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t by_instruction(const unsigned char* bytes, size_t size,
                                                          uint32_t value) {
  uint64_t wide = value;
  for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), bytes += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    wide = _mm_crc32_u64(wide, word);
  }
  return by_table(bytes, size, static_cast<uint32_t>(wide));
}
#endif

}  // namespace

uint32_t crc32c(const void* data, size_t size, uint32_t before) {
  const auto* bytes = static_cast<const unsigned char*>(data);
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) {
    return ~by_instruction(bytes, size, ~before);
  }
#endif
  return ~by_table(bytes, size, ~before);
}

}  // namespace moca
