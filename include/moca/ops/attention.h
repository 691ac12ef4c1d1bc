#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// Plain attention of queries [n, H, S, K] over keys and values [n, H, T, K], scale 1 / sqrt(K).
// Returns [n, H, S, K]. Where no gradient is wanted on a CPU, as matrix products of oneDNN, which
// run at two (float) to four (bf16) times the rate of LibTorch's own attention there; scores are
// float in either type.
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);

}  // namespace moca::ops
