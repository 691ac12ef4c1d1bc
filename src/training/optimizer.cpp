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
    : config_(config), shards_(shards), parameters_(trainable_parameters(model)) {
  TORCH_CHECK(!parameters_.empty(), "the optimizer was given no trainable parameter");
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) {
      names_.push_back(item.key());
    }
  }
  treatments_ = treatments(names_, config_);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& parameter = parameters_[i];
    const auto zeros = [&] {
      return shards_.is_mine(i) ? at::zeros_like(parameter, at::MemoryFormat::Contiguous).detach()
                                : at::Tensor();
    };
    first_moments_.push_back(zeros());
    second_moments_.push_back(zeros());
    steps_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false)));
  }
}

void Optimizer::zero_gradients() {
  for (auto& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
}

// Parameters that are treated alike, what AdamW needs of each.
struct Optimizer::Update {
  ParameterTreatment treatment;
  std::vector<at::Tensor> parameters, gradients, first_moments, second_moments, steps;
};

// Of this process's parameters. Those that took no part in the step have no gradient and are left
// alone.
std::vector<Optimizer::Update> Optimizer::updates() const {
  std::vector<Update> updates;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined() || !shards_.is_mine(i)) {
      continue;
    }
    auto found = std::find_if(updates.begin(), updates.end(), [&](const Update& update) {
      return update.treatment == treatments_[i];
    });
    if (found == updates.end()) {
      found = updates.insert(updates.end(), Update{treatments_[i], {}, {}, {}, {}, {}});
    }
    found->parameters.push_back(parameters_[i]);
    found->gradients.push_back(parameters_[i].grad());
    found->first_moments.push_back(first_moments_[i]);
    found->second_moments.push_back(second_moments_[i]);
    found->steps.push_back(steps_[i]);
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
  for (auto& [treatment, parameters, own_gradients, first, second, steps] : updates()) {
    if (config_.max_gradient_norm > 0 && norm > config_.max_gradient_norm) {
      // as clip_grad_norm_
      at::_foreach_mul_(own_gradients, config_.max_gradient_norm / (norm + 1e-6));
    }
    at::_foreach_add_(steps, 1.0);
    at::_fused_adamw_(parameters, own_gradients, first, second, {}, steps,
                      learning_rate * treatment.learning_rate_factor, config_.beta1, config_.beta2,
                      treatment.weight_decay, config_.epsilon, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
  return norm;
}

checkpoint::NamedTensors Optimizer::state() const {
  checkpoint::NamedTensors state;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (shards_.is_mine(i)) {
      state.emplace_back(names_[i] + ".exp_avg", first_moments_[i]);
      state.emplace_back(names_[i] + ".exp_avg_sq", second_moments_[i]);
      state.emplace_back(names_[i] + ".step", steps_[i]);
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
