#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "moca/checkpoint/weights.h"
#include "moca/config/choice.h"
#include "moca/training/training_config.h"

namespace moca::training {

// Parameters of any shapes that have a gradient and are updated alike.
struct ParameterUpdate {
  double learning_rate = 0;
  double weight_decay = 0;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;           // after clipping
  std::vector<std::vector<at::Tensor>> state;  // [entry of initial_state][parameter]
};

// What is particular to one optimiser; class Optimizer does what all have in common.
class UpdateRule {
 public:
  virtual ~UpdateRule() = default;

  // What is kept of a parameter between steps, by name, before the first of them. A checkpoint
  // holds it as "<parameter>.<name>".
  virtual checkpoint::NamedTensors initial_state(const at::Tensor& parameter) const = 0;

  // Changes parameters and state in place; nothing is differentiated.
  virtual void update(const ParameterUpdate& update) const = 0;
};

// One of ours is a file in src/training/ and its line in update_rule.cpp; a program that uses this
// library adds its own with register_optimizer before it reads any config.
struct OptimizerKind {
  config::Option option;  // its name, what it is, and its settings
  std::function<std::unique_ptr<UpdateRule>(const OptimizerConfig& config)> make;
};

// Adds a kind to those that training.optimizer.name can name.
void register_optimizer(OptimizerKind kind);

// The rule that the config names. Throws Error where none is of that name.
std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config);

}  // namespace moca::training
