#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace moca::ops {

// An empty tensor of the shape of heads [B, N, H, S, K], laid out as [B, N, S, H, K], as the
// projections that made them; undefined for an undefined one.
inline at::Tensor like_tokens(const at::Tensor& heads) {
  return heads.defined()
             ? at::empty_like(heads.transpose(2, 3), at::MemoryFormat::Contiguous).transpose(2, 3)
             : at::Tensor();
}

// Undefined tensors reach an autograd function as nothing.
inline std::optional<at::Tensor> if_defined(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace moca::ops
