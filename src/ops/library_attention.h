#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

enum class LibraryKernel { kPlain, kFlashOnCpu, kFlash, kEfficient, kCudnn };

// What LibTorch's attention gives, and what its backward pass wants again.
struct LibraryAttention {
  LibraryKernel kernel;
  at::Tensor output;        // [n, H, S, K]
  at::Tensor log_sum_exp;   // of each query's scaled products, as the kernel lays it out
  at::Tensor seed, offset;  // of a dropout that never happens; some kernels want them back
};

struct LibraryGradients {
  at::Tensor query, key, value;
};

// One of LibTorch's own kernels, the one that it would choose itself (cuDNN, flash,
// memory-efficient or plain on a GPU, flash on a CPU), called outside of autograd: its backward
// pass needs the keys and values again, which the caller may have made anew. query: [n, H, S, K];
// key, value: [n, H, T, K]; scale 1 / sqrt(K).
LibraryAttention library_attention(const at::Tensor& query, const at::Tensor& key,
                                   const at::Tensor& value);
LibraryGradients library_attention_backward(const at::Tensor& output_gradient,
                                            const at::Tensor& query, const at::Tensor& key,
                                            const at::Tensor& value,
                                            const LibraryAttention& forward);

}  // namespace moca::ops
