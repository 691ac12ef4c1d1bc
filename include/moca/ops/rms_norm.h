#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// Whether `rms_norm` may be called: float or bf16 on a CPU, rows of consecutive numbers, and no
// gradient to record.
bool rms_norm_applies(const at::Tensor& input, const at::Tensor& weight);

// input [..., K] over the root mean square of its rows, times weight [K], in float whatever the
// types: one pass over memory where LibTorch's operators take four to eight.
at::Tensor rms_norm(const at::Tensor& input, const at::Tensor& weight, double epsilon);

}  // namespace moca::ops
