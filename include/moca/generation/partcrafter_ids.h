#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace moca::generation {

// The part ids [N] of PartCrafter's pipeline: it counts over its whole batch, so that with guidance
// the unconditioned half has 0 .. N - 1 and the conditioned half N .. 2 N - 1.
inline at::Tensor partcrafter_ids(int64_t num_components, bool conditioned, double guidance_scale) {
  const bool second_half = conditioned && guidance_scale > 1.0;
  return at::arange(num_components, at::kLong) + (second_half ? num_components : 0);
}

}  // namespace moca::generation
