#pragma once

#include <cstdint>

#include "moca/dit/dit_config.h"

namespace moca::dit {

// The tokens of a component at which dense attention between `num_components` has as many pairs of
// query and key as MoC has at `num_tokens` (rounded down, at least 1):
//   (N (L' + 1))^2 = N (L + 1) ((1 + k) (L + 1) + (N - k - 1) M),
// the right side being what the paper calls L_global for each query, the time token counted. What
// takes the memory and time of materialised scores is then equal.
int64_t dense_tokens_of_same_pairs(const DitConfig& config, int64_t num_tokens,
                                   int64_t num_components);

}  // namespace moca::dit
