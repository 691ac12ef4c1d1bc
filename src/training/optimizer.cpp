#include "moca/training/optimizer.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace moca::training {

double learning_rate_at(const OptimizerConfig& config, int64_t step, int64_t max_steps) {
  if (step < config.warmup_steps) {
    return config.learning_rate * static_cast<double>(step + 1) /
           static_cast<double>(config.warmup_steps);
  }
  if (config.schedule == Schedule::kConstant) {
    return config.learning_rate;
  }
  const double span = static_cast<double>(std::max<int64_t>(max_steps - config.warmup_steps, 1));
  const double progress = std::min(1.0, static_cast<double>(step - config.warmup_steps) / span);
  return config.learning_rate * 0.5 * (1.0 + std::cos(M_PI * progress));
}

std::vector<at::Tensor> trainable_parameters(const torch::nn::Module& model) {
  std::vector<at::Tensor> parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) {
      parameters.push_back(item.value());
    }
  }
  return parameters;
}

Optimizer::Optimizer(const torch::nn::Module& model, const OptimizerConfig& config,
                     const ParameterShards& shards)
    : config_(config),
      shards_(shards),
      rule_(make_update_rule(config)),
      names_(trainable_names(model)),
      options_(options_of(names_, config)),
      parameters_(trainable_parameters(model)) {
  TORCH_CHECK(!parameters_.empty(), "the optimizer was given no trainable parameter");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    states_.push_back(shards_.is_mine(i) ? rule_->initial_state(parameters_[i])
                                         : checkpoint::NamedTensors());
  }
}

void Optimizer::zero_gradients() {
  for (auto& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
}

// Of this process's parameters, those together that are updated alike. Those that took no part in
// the step have no gradient and are left alone.
std::vector<ParameterUpdate> Optimizer::updates(double learning_rate) const {
  std::vector<ParameterUpdate> updates;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined() || !shards_.is_mine(i)) {
      continue;
    }
    const double rate = learning_rate * options_[i].learning_rate_factor;
    const double decay = options_[i].weight_decay;
    auto found = std::ranges::find_if(updates, [&](const auto& update) {
      return update.learning_rate == rate && update.weight_decay == decay;
    });
    if (found == updates.end()) {
      found = updates.insert(updates.end(), {rate, decay, {}, {}, {}});
      found->state.resize(states_[i].size());
    }
    found->parameters.push_back(parameters_[i]);
    found->gradients.push_back(parameters_[i].grad());
    for (size_t entry = 0; entry < states_[i].size(); ++entry) {
      found->state[entry].push_back(states_[i][entry].second);
    }
  }
  return updates;
}

double Optimizer::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;  // of all processes' parameters
  for (const auto& parameter : parameters_) {
    if (parameter.grad().defined()) {
      gradients.push_back(parameter.grad());
    }
  }
  const double norm = at::stack(at::_foreach_norm(gradients, 2)).norm(2).item<double>();
  if (!std::isfinite(norm)) {
    return norm;
  }
  for (const auto& update : updates(learning_rate)) {
    if (config_.max_gradient_norm > 0 && norm > config_.max_gradient_norm) {
      // as clip_grad_norm_
      at::_foreach_mul_(update.gradients, config_.max_gradient_norm / (norm + 1e-6));
    }
    rule_->update(update);
  }
  return norm;
}

checkpoint::NamedTensors Optimizer::state() const {
  checkpoint::NamedTensors state;
  for (size_t i = 0; i < names_.size(); ++i) {
    for (const auto& [entry, tensor] : states_[i]) {
      state.emplace_back(names_[i] + "." + entry, tensor);
    }
  }
  return state;
}

void Optimizer::load(const checkpoint::Weights& weights) {
  for (const auto& [name, tensor] : state()) {
    weights.read_into(name, tensor);
  }
}

}  // namespace moca::training
