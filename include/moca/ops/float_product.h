#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// left @ right^T in float (double for doubles), under autocast and for bf16 tensors as well, and so
// are its gradients. left: [..., n, c]; right: [..., m, c], or the weight [m, c] of a linear layer.
// Returns [..., n, m].
at::Tensor float_product(const at::Tensor& left, const at::Tensor& right);

}  // namespace moca::ops
