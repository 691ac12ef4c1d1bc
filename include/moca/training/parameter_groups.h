#pragma once

#include <torch/nn/module.h>

#include <cstddef>
#include <string>
#include <vector>

#include "moca/training/training_config.h"

namespace moca::training {

// What an update of one parameter may have of its own.
struct ParameterOptions {
  double learning_rate_factor = 1.0;
  double weight_decay = 0.0;

  bool operator==(const ParameterOptions&) const = default;
};

// Which process keeps the optimiser's and the averages' state of a parameter (ZeRO, stage 1).
struct ParameterShards {
  int rank = 0;
  std::vector<int> owners;  // of every parameter; none: this process keeps all

  bool is_mine(size_t parameter) const { return owners.empty() || owners[parameter] == rank; }
};

// Of the parameters that require a gradient, in the order that all processes share.
std::vector<std::string> trainable_names(const torch::nn::Module& model);

// Whether a name matches a pattern in which * stands for any text: "dit.blocks.*.router.*".
bool matches(const std::string& name, const std::string& pattern);

// Freezes the parameters that the config names. Throws Error when a pattern names none, or when
// nothing is left to train.
void freeze(torch::nn::Module& module, const OptimizerConfig& config);

// The options of the parameters of these names; of several patterns that match the last counts.
// Throws Error when a pattern matches none of them or has no factor.
std::vector<ParameterOptions> options_of(const std::vector<std::string>& names,
                                         const OptimizerConfig& config);

}  // namespace moca::training
