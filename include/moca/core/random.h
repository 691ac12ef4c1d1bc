#pragma once

#include <cstdint>
#include <string_view>

namespace moca {

// The seed of one random stream. Everything random in a run is drawn from a fresh stream named by
// what it is for and where it is used (step, asset, ...), never from a generator that lives on: a
// resumed run then draws the same numbers without any stored state.
uint64_t stream_seed(uint64_t seed, std::string_view purpose, uint64_t step = 0,
                     uint64_t index = 0);

}  // namespace moca
