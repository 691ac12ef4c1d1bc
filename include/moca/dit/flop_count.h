#pragma once

#include <cstdint>
#include <vector>

#include "moca/dit/condition.h"
#include "moca/dit/dit_config.h"

namespace moca::dit {

// What a DiT works on.
struct DitSizes {
  struct ConditionSize {
    int64_t num_tokens = 0;  // T, of all frames together
    int64_t width = 0;       // D_c
    ConditionScope scope = ConditionScope::kAsset;
  };
  int64_t num_tokens = 0;       // L
  int64_t latent_channels = 0;  // C
  std::vector<ConditionSize> conditions;
};

// Floating point operations of one forward pass (nn/flops.h) over assets of these numbers of
// components.
double forward_flops(const DitConfig& config, const DitSizes& sizes,
                     const std::vector<int64_t>& components_of_assets);

}  // namespace moca::dit
