#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// Whether `few_rows_linear` may be called and is the faster way: at most 16 rows on the CPU.
bool few_rows_apply(const at::Tensor& input, const at::Tensor& weight);

// Records no gradient. The linear layer of a few rows (routers' anchors, time tokens): the weight
// is the left side, so that it is read where it is, once, instead of being packed for a single use.
// Arguments as of `onednn_linear`, input [..., in].
at::Tensor few_rows_linear(const at::Tensor& input, const at::Tensor& weight,
                           const at::Tensor& bias, bool gelu);

// Likewise its product alone, in float as it was summed: input [..., in], weight [out, in].
at::Tensor few_rows_product(const at::Tensor& input, const at::Tensor& weight);

}  // namespace moca::ops
