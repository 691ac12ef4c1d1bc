#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/basic_ops.h>

#include <memory>
#include <string>

namespace moca::ops {

// What a backward pass returns that leaves no record of how it computed its gradients: whoever
// differentiates them again gets an error, not a derivative that lacks their part.
inline torch::autograd::variable_list once_differentiable(
    const std::string& name, torch::autograd::variable_list gradients) {
  if (!at::GradMode::is_enabled()) {  // nobody wants to: create_graph turns it on
    return gradients;
  }
  for (auto& gradient : gradients) {
    gradient = gradient.defined() ? gradient.detach().requires_grad_() : gradient;
  }
  const auto refuses = std::make_shared<torch::autograd::DelayedError>(
      "moca: " + name + " has no second derivative.", static_cast<int64_t>(gradients.size()));
  return (*refuses)(std::move(gradients));
}

}  // namespace moca::ops
