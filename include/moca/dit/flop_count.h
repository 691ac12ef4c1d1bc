#pragma once

#include <cstdint>
#include <vector>

#include "moca/dit/dit_config.h"

namespace moca::dit {

// What a DiT works on.
struct DitSizes {
  int64_t num_tokens = 0;           // L
  int64_t latent_channels = 0;      // C
  int64_t num_image_tokens = 0;     // T
  int64_t image_width = 0;          // D_image
  bool image_of_component = false;  // image tokens of every component instead of the asset's
};

// Floating point operations of one forward pass (nn/flops.h) over assets of these numbers of
// components.
double forward_flops(const DitConfig& config, const DitSizes& sizes,
                     const std::vector<int64_t>& components_of_assets);

}  // namespace moca::dit
