#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// Whether the processor multiplies bf16 by itself.
bool processor_multiplies_bf16();

// Whether `onednn_linear` may be called: tensors of one type (float, or bf16 where the processor
// has products of it) on the CPU, no autocast, and LibTorch built with oneDNN.
bool onednn_applies(const at::Tensor& input, const at::Tensor& weight);

// Records no gradient. input [rows, in] @ weight [out, in]^T + bias (or undefined), then nothing or
// exact GELU. Rows of `weight` may be strided.
at::Tensor onednn_linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                         bool gelu);

}  // namespace moca::ops
