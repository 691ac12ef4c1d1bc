#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace moca::generation {

// The part ids [N] of PartCrafter's pipeline: it counts over its whole batch, so that with guidance
// the unconditioned half has 0 .. N - 1 and the conditioned half N .. 2 N - 1.
at::Tensor partcrafter_ids(int64_t num_components, bool conditioned, double guidance_scale);

}  // namespace moca::generation
