#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <functional>
#include <memory>
#include <string>

namespace moca::testing {

// Floating point operations of all linear layers that `compute` runs through LibTorch, two for a
// multiply and an add, by looking at every product of two matrices.
inline double counted_linear_flops(const std::function<void()>& compute) {
  static double counted = 0;
  counted = 0;
  const auto look = [](const at::RecordFunction& call) -> std::unique_ptr<at::ObserverContext> {
    const std::string name = call.name();
    if (name == "aten::mm" || name == "aten::addmm") {
      const size_t first = name == "aten::mm" ? 0 : 1;  // addmm begins with the bias
      const auto input = call.inputs()[first].toTensor();
      const auto weight = call.inputs()[first + 1].toTensor();
      counted += 2.0 * static_cast<double>(input.numel() * weight.size(1));
    }
    return nullptr;
  };
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(+look).needsInputs(true));
  compute();
  at::removeCallback(handle);
  return counted;
}

}  // namespace moca::testing
