#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <vector>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::testing {

using ScalarFunction = std::function<at::Tensor(const at::Tensor&)>;

// Autograd's gradient of a scalar function is the slope of its values, by central differences along
// a few random directions in which every element moves.
inline ::testing::AssertionResult has_right_gradient(const ScalarFunction& function,
                                                     const at::Tensor& at_input,
                                                     double tolerance = 1e-7, double step = 1e-5) {
  const auto input = at_input.detach().clone().requires_grad_();
  const auto gradient = torch::autograd::grad({function(input)}, {input})[0];
  const torch::NoGradGuard no_grad;
  std::vector<double> expected;
  std::vector<double> found;
  for (uint64_t i = 0; i < 4; ++i) {
    const auto direction = at::randn(input.sizes(), generator_for(1, "direction", 0, i),
                                     at::TensorOptions().dtype(input.scalar_type()))
                               .to(input.device());
    const auto above = function(input.detach() + step * direction);
    const auto below = function(input.detach() - step * direction);
    expected.push_back(((above - below) / (2 * step)).item<double>());
    found.push_back((gradient * direction).sum().item<double>());
  }
  return all_close(at::tensor(found), at::tensor(expected), tolerance);
}

}  // namespace moca::testing
