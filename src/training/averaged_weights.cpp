#include "moca/training/averaged_weights.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "moca/checkpoint/module_state.h"
#include "moca/core/transfer.h"

namespace moca::training {

double ema_decay_at(double decay, int64_t step) {
  return std::min(decay, 1.0 - std::pow(1.0 + static_cast<double>(step), -0.75));
}

AveragedWeights::AveragedWeights(const torch::nn::Module& model, AveragingOptions options,
                                 const ParameterShards& shards)
    : model_(model), options_(options), is_first_(shards.rank == 0) {
  size_t index = 0;
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) {
      continue;
    }
    if (!shards.is_mine(index++)) {
      others_.insert(item.key());
      continue;
    }
    names_.push_back(item.key());
    parameters_.push_back(item.value());
    const auto device = options.on_cpu ? c10::Device(c10::kCPU) : item.value().device();
    averages_.push_back(item.value().detach().to(device, /*non_blocking=*/false, /*copy=*/true));
  }
}

void AveragedWeights::update(int64_t step) {
  const torch::NoGradGuard no_grad;
  const auto now = options_.on_cpu ? to_host(parameters_) : parameters_;
  if (!now.empty()) {
    at::_foreach_lerp_(averages_, now, 1.0 - ema_decay_at(options_.decay, step));
  }
}

void AveragedWeights::exchange() {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto parameter = parameters_[i].clone();
    parameters_[i].copy_(averages_[i]);
    averages_[i].copy_(parameter);
  }
}

checkpoint::NamedTensors AveragedWeights::state() const {
  std::map<std::string, at::Tensor> averaged;
  for (size_t i = 0; i < names_.size(); ++i) {
    averaged.emplace(names_[i], averages_[i]);
  }
  checkpoint::NamedTensors state;
  for (const auto& [name, tensor] : checkpoint::state_of(model_)) {
    if (const auto found = averaged.find(name); found != averaged.end()) {
      state.emplace_back(name, found->second);
    } else if (is_first_ && others_.count(name) == 0) {
      state.emplace_back(name, tensor);
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
