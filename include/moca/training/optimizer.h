#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "moca/checkpoint/weights.h"
#include "moca/training/parameter_groups.h"
#include "moca/training/training_config.h"
#include "moca/training/update_rule.h"

namespace moca::training {

// The learning rate of step `step` (0 the first): linear warm-up, then constant or cosine to 0.
double learning_rate_at(const OptimizerConfig& config, int64_t step, int64_t max_steps);

// Parameters that require a gradient, in the order that all processes share.
std::vector<at::Tensor> trainable_parameters(const torch::nn::Module& model);

// Updates all parameters that require a gradient by the rule that the config names, after clipping
// by the norm of all gradients.
class Optimizer {
 public:
  // Keeps the state of this process's share of the parameters and updates those alone.
  Optimizer(const torch::nn::Module& model, const OptimizerConfig& config,
            const ParameterShards& shards = {});

  // All of them, whoever updates them.
  const std::vector<at::Tensor>& parameters() const { return parameters_; }

  void zero_gradients();
  // Clips, then updates. Returns the norm before clipping. With a norm that is not finite nothing
  // is changed.
  double step(double learning_rate);

  // What the rule keeps of this process's parameters, under "<parameter>.exp_avg" and so on.
  checkpoint::NamedTensors state() const;
  void load(const checkpoint::Weights& weights);

 private:
  std::vector<ParameterUpdate> updates(double learning_rate) const;

  OptimizerConfig config_;
  ParameterShards shards_;
  std::unique_ptr<UpdateRule> rule_;
  std::vector<std::string> names_;
  std::vector<ParameterOptions> options_;
  std::vector<at::Tensor> parameters_;
  std::vector<checkpoint::NamedTensors> states_;  // empty where another process keeps them
};

}  // namespace moca::training
