#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

enum class Activation { kNone, kGelu };  // kGelu: exact (erf)

// activation(input @ weight^T + bias), the linear layer of LibTorch, on a CPU through oneDNN
// instead of MKL, whose float products reach less than half the rate on AMD processors, forward and
// backward. Without a gradient to record the activation costs no pass of its own.
// input: [..., in]; weight: [out, in]; bias: [out] or undefined. Returns [..., out].
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                  Activation activation = Activation::kNone);

}  // namespace moca::ops
