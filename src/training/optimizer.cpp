#include "moca/training/optimizer.h"

#include <ATen/ATen.h>
#include <torch/types.h>

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

Optimizer::Optimizer(const torch::nn::Module& model, const OptimizerConfig& config)
    : config_(config) {
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) {
      continue;
    }
    names_.push_back(item.key());
    parameters_.push_back(item.value());
    first_moments_.push_back(at::zeros_like(item.value(), at::MemoryFormat::Contiguous).detach());
    second_moments_.push_back(at::zeros_like(item.value(), at::MemoryFormat::Contiguous).detach());
    steps_.push_back(at::zeros({}, item.value().options().dtype(at::kFloat).requires_grad(false)));
  }
  TORCH_CHECK(!parameters_.empty(), "the optimizer was given no trainable parameter");
}

void Optimizer::zero_gradients() {
  for (auto& parameter : parameters_) {
    parameter.mutable_grad().reset();
  }
}

double Optimizer::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  // Parameters that took no part in this step have no gradient and are left alone.
  std::vector<at::Tensor> parameters, gradients, first, second, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].grad().defined()) {
      parameters.push_back(parameters_[i]);
      gradients.push_back(parameters_[i].grad());
      first.push_back(first_moments_[i]);
      second.push_back(second_moments_[i]);
      steps.push_back(steps_[i]);
    }
  }
  const double norm = at::stack(at::_foreach_norm(gradients, 2)).norm(2).item<double>();
  if (!std::isfinite(norm)) {
    return norm;
  }
  if (config_.max_gradient_norm > 0 && norm > config_.max_gradient_norm) {
    at::_foreach_mul_(gradients, config_.max_gradient_norm / (norm + 1e-6));  // as clip_grad_norm_
  }
  at::_foreach_add_(steps, 1.0);
  at::_fused_adamw_(parameters, gradients, first, second, {}, steps, learning_rate, config_.beta1,
                    config_.beta2, config_.weight_decay, config_.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false);
  return norm;
}

checkpoint::NamedTensors Optimizer::state() const {
  checkpoint::NamedTensors state;
  for (size_t i = 0; i < names_.size(); ++i) {
    state.emplace_back(names_[i] + ".exp_avg", first_moments_[i]);
    state.emplace_back(names_[i] + ".exp_avg_sq", second_moments_[i]);
    state.emplace_back(names_[i] + ".step", steps_[i]);
  }
  return state;
}

void Optimizer::load(const checkpoint::Weights& weights) {
  for (const auto& [name, tensor] : state()) {
    weights.read_into(name, tensor);
  }
}

}  // namespace moca::training
