#include "moca/generation/partcrafter_ids.h"

#include <ATen/ATen.h>

namespace moca::generation {

at::Tensor partcrafter_ids(int64_t num_components, bool conditioned, double guidance_scale) {
  const bool second_half = conditioned && guidance_scale > 1.0;
  return at::arange(num_components, at::kLong) + (second_half ? num_components : 0);
}

}  // namespace moca::generation
