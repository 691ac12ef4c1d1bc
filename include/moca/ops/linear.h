#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

enum class Activation { kNone, kGelu };  // kGelu: exact (erf)

// activation(input @ weight^T + bias), the linear layer of LibTorch, faster where no gradient is
// wanted on a CPU. There it goes through oneDNN instead of MKL, whose float products reach less
// than half the rate on AMD processors, and the activation costs no pass of its own.
// input: [..., in]; weight: [out, in]; bias: [out] or undefined. Returns [..., out].
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                  Activation activation = Activation::kNone);

}  // namespace moca::ops
