#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace moca::ops {

// Plain attention of queries [n, H, S, K] over keys and values [n, H, T, K], scale 1 / sqrt(K).
// Returns [n, H, S, K]. On a CPU in blocks that stay in its caches, with the processor's own bf16
// products where it has them (LibTorch's attention runs bf16 at the rate of float there). key_mask:
// [n, T] false for keys that nobody attends to, not all of a row; undefined: all exist.
at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& key_mask = {});

// The same between components: the queries of each of N components attend to the tokens of all N'
// components of the asset. query: [B, N, H, S, K]; key, value: [B, N', H, T, K]; key_mask:
// [B, N', T]. Returns [B, N, H, S, K].
at::Tensor attention_between(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& key_mask = {});

// Self-attention of tokens in groups, of which each sees itself and the groups before it: tokens
// [ends[g - 1], ends[g]) attend to tokens [0, ends[g]). query, key, value: [n, H, S, K]; ends
// ascend to S. What is not a number may reach the groups before.
at::Tensor nested_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const std::vector<int64_t>& ends);

}  // namespace moca::ops
