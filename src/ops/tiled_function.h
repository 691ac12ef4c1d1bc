#pragma once

#include <ATen/core/Tensor.h>

#include "tiled_attention.h"

namespace moca::ops {

// `tiled_attention` with its gradient. `importance` [B, N, H, N] is where the gates of the plan's
// gated segments came from and gets their gradient: of the logits, or of the values if
// `gates_values`; undefined where nothing is gated.
at::Tensor tiled_attention_recorded(const AttentionInput& input, const at::Tensor& importance,
                                    AttentionPlan plan, bool gates_values);

// `tensor` in the type that autocast wants attention in; as it is without autocast.
at::Tensor in_autocast_type(const at::Tensor& tensor);

}  // namespace moca::ops
