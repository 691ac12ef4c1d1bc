// LibTorch's layer norm for a GPU: sums in float, whatever the type of the tokens, where the CPU's
// sums up gradients of weights in bf16.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <array>
#include <optional>
#include <tuple>

#include "tensors.h"

namespace moca::stand_in {
namespace {

using at::Tensor;
using Three = std::tuple<Tensor, Tensor, Tensor>;

Tensor in_float(const Tensor& tensor) { return on_host(tensor).to(at::kFloat); }

std::optional<Tensor> in_float(const std::optional<Tensor>& tensor, const Tensor& input) {
  if (!tensor || !tensor->defined()) {
    return std::nullopt;
  }
  TORCH_CHECK(tensor->dtype() == input.dtype(),
              "stand-in device: the layer norm wants weights of the input's type");
  return in_float(*tensor);
}

Three layer_norm(const Tensor& input, at::IntArrayRef shape, const std::optional<Tensor>& weight,
                 const std::optional<Tensor>& bias, double epsilon) {
  const auto [output, mean, deviation] = at::native_layer_norm(
      in_float(input), shape, in_float(weight, input), in_float(bias, input), epsilon);
  return {copied_to(input.device(), output.to(input.scalar_type())),
          copied_to(input.device(), mean), copied_to(input.device(), deviation)};
}

Three layer_norm_backward(const Tensor& gradient, const Tensor& input, at::IntArrayRef shape,
                          const Tensor& mean, const Tensor& deviation,
                          const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
                          std::array<bool, 3> wanted) {
  const auto [of_input, of_weight, of_bias] = at::native_layer_norm_backward(
      in_float(gradient), in_float(input), shape, in_float(mean), in_float(deviation),
      in_float(weight, input), in_float(bias, input), wanted);
  const auto given = [&](const Tensor& found) {
    return found.defined() ? copied_to(input.device(), found.to(input.scalar_type())) : Tensor();
  };
  return {given(of_input), given(of_weight), given(of_bias)};
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("native_layer_norm", &layer_norm);
  library.impl("native_layer_norm_backward", &layer_norm_backward);
}

}  // namespace
}  // namespace moca::stand_in
