#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "moca/training/training_config.h"

namespace moca::training {

// How AdamW treats one parameter.
struct ParameterTreatment {
  double learning_rate_factor = 1.0;
  double weight_decay = 0.0;

  bool operator==(const ParameterTreatment&) const = default;
};

// Whether a name fits a pattern in which * stands for any text: "dit.blocks.*.router.*".
bool fits(const std::string& name, const std::string& pattern);

// Freezes the parameters that the config names. Throws Error when a pattern names none, or when
// nothing is left to train.
void freeze(torch::nn::Module& module, const OptimizerConfig& config);

// The treatment of every parameter of these names; of several patterns that fit the last counts.
// Throws Error when a pattern fits none of them or has no factor.
std::vector<ParameterTreatment> treatments(const std::vector<std::string>& names,
                                           const OptimizerConfig& config);

}  // namespace moca::training
