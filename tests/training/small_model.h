#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>

#include "moca/training/training_config.h"

namespace moca::training {

// An optimiser without clipping.
inline OptimizerConfig plain_config() {
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  config.max_gradient_norm = 0;
  return config;
}

// A linear layer of two inputs with a gradient of norm 5.
inline torch::nn::Linear with_gradient() {
  torch::manual_seed(3);
  torch::nn::Linear module(2, 1);
  module->weight.mutable_grad() = at::tensor({2.0F, -2.0F}).view({1, 2});
  module->bias.mutable_grad() = at::full({1}, std::sqrt(17.0));
  return module;
}

}  // namespace moca::training
