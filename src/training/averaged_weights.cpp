#include "moca/training/averaged_weights.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "moca/checkpoint/module_state.h"

namespace moca::training {

double ema_decay_at(double decay, int64_t step) {
  return std::min(decay, 1.0 - std::pow(1.0 + static_cast<double>(step), -0.75));
}

AveragedWeights::AveragedWeights(const torch::nn::Module& model, double decay)
    : model_(model), decay_(decay) {
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) {
      names_.push_back(item.key());
      parameters_.push_back(item.value());
      averages_.push_back(item.value().detach().clone());
    }
  }
}

void AveragedWeights::update(int64_t step) {
  const torch::NoGradGuard no_grad;
  at::_foreach_lerp_(averages_, parameters_, 1.0 - ema_decay_at(decay_, step));
}

checkpoint::NamedTensors AveragedWeights::state() const {
  std::map<std::string, at::Tensor> averaged;
  for (size_t i = 0; i < names_.size(); ++i) {
    averaged.emplace(names_[i], averages_[i]);
  }
  auto state = checkpoint::state_of(model_);
  for (auto& [name, tensor] : state) {
    if (const auto found = averaged.find(name); found != averaged.end()) {
      tensor = found->second;
    }
  }
  return state;
}

void AveragedWeights::load(const checkpoint::Weights& weights) {
  for (size_t i = 0; i < names_.size(); ++i) {
    weights.read_into(names_[i], averages_[i]);
  }
}

}  // namespace moca::training
