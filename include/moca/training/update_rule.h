#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moca/checkpoint/weights.h"
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

using MakeUpdateRule = std::function<std::unique_ptr<UpdateRule>(const OptimizerConfig& config)>;

// Makes `name` one that training.optimizer.name may have. To be called before a config is read.
void register_optimizer(const std::string& name, MakeUpdateRule make);

// The rule that config.name names. Throws Error where none is of that name.
std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config);

}  // namespace moca::training
