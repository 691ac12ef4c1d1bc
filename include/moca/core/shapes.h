#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <array>
#include <cstdint>
#include <initializer_list>

// The axis letters of the whole project:
//   B assets in the batch        N components per asset (padded)   L vecset tokens per component
//   M compressed tokens          C latent channels                 D model width
//   H heads                      K head width                      T image tokens
//   P points                     V vertices                        F faces
//   R grid resolution            S all tokens of a component       Q query points
// "n" is the number of components that are present in a batch, all assets together.

namespace moca {

// The sizes of a tensor that must have `Rank` axes:
//   const auto [B, N, L, C] = shape<4>(latents, "latents [B, N, L, C]");
template <size_t Rank>
std::array<int64_t, Rank> shape(const at::Tensor& tensor, const char* description) {
  TORCH_CHECK(tensor.defined(), description, " is undefined");
  TORCH_CHECK(tensor.dim() == static_cast<int64_t>(Rank), "expected ", description, " with ", Rank,
              " axes, got ", tensor.sizes());
  std::array<int64_t, Rank> sizes{};
  for (size_t axis = 0; axis < Rank; ++axis) {
    sizes[axis] = tensor.size(static_cast<int64_t>(axis));
  }
  return sizes;
}

// Checks every size; -1 stands for any.
inline void expect_shape(const at::Tensor& tensor, std::initializer_list<int64_t> expected,
                         const char* description) {
  TORCH_CHECK(tensor.defined(), description, " is undefined");
  bool equal = tensor.dim() == std::ssize(expected);
  int64_t axis = 0;
  for (const int64_t size : expected) {
    equal = equal && (size == -1 || tensor.size(axis) == size);
    ++axis;
  }
  TORCH_CHECK(equal, "expected ", description, " = ", at::IntArrayRef(expected), ", got ",
              tensor.sizes());
}

// Checks that `tensor`, where there is one, lies where `first` does, an operator's first tensor.
inline void expect_device_of(const at::Tensor& first, const char* first_name,
                             const at::Tensor& tensor, const char* name) {
  TORCH_CHECK(!tensor.defined() || tensor.device() == first.device(), name, " is on ",
              tensor.device(), ", ", first_name, " on ", first.device(),
              ": all tensors must be on one device");
}

}  // namespace moca
