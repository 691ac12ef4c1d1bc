#include "moca/core/random.h"

namespace moca {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): spreads every input bit over the output.
uint64_t mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

}  // namespace

uint64_t stream_seed(uint64_t seed, std::string_view purpose, uint64_t step, uint64_t index) {
  uint64_t name = 0xCBF29CE484222325ULL;  // FNV-1a, 64 bit
  for (const char letter : purpose) {
    name = (name ^ static_cast<uint8_t>(letter)) * 0x100000001B3ULL;
  }
  return mix(mix(mix(mix(seed) ^ name) ^ step) ^ index);
}

}  // namespace moca
