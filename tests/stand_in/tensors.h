#pragma once

#include <ATen/core/Tensor.h>

namespace moca::stand_in {

// The same numbers in the same places, as a tensor of the CPU. It may not outlive `tensor`.
at::Tensor on_host(const at::Tensor& tensor);
// A view of `base`'s memory with the layout of `found`, which is one of on_host(base)'s.
at::Tensor view_on_device(const at::Tensor& base, const at::Tensor& found);
// A copy on `device` of a tensor of the CPU, with its strides.
at::Tensor copied_to(c10::Device device, const at::Tensor& tensor);
// Makes `tensor` name the memory of `other`, as resize_ does.
void replace(const at::Tensor& tensor, const at::Tensor& other);

}  // namespace moca::stand_in
