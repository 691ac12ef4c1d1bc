#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Generator.h>

#include <cstdint>
#include <string_view>

#include "moca/core/random.h"

namespace moca {

// A generator on the CPU for one stream; numbers are drawn there and copied to the device, so that
// a run draws the same numbers on every device.
inline at::Generator generator_for(uint64_t seed, std::string_view purpose, uint64_t step = 0,
                                   uint64_t index = 0) {
  return at::detail::createCPUGenerator(stream_seed(seed, purpose, step, index));
}

}  // namespace moca
