#include <ATen/ATen.h>

#include "moca/training/update_rule.h"

namespace moca::training {
namespace {

class AdamW : public UpdateRule {
 public:
  explicit AdamW(const OptimizerConfig& config) : config_(config) {}

  // First and second moments, and the number of updates.
  checkpoint::NamedTensors initial_state(const at::Tensor& parameter) const override {
    const auto zeros = [&] {
      return at::zeros_like(parameter, at::MemoryFormat::Contiguous).detach();
    };
    const auto scalar = parameter.options().dtype(at::kFloat).requires_grad(false);
    return {{"exp_avg", zeros()}, {"exp_avg_sq", zeros()}, {"step", at::zeros({}, scalar)}};
  }

  void update(const ParameterUpdate& update) const override {
    const auto& first_moments = update.state[0];
    const auto& second_moments = update.state[1];
    const auto& steps = update.state[2];
    at::_foreach_add_(steps, 1.0);
    at::_fused_adamw_(update.parameters, update.gradients, first_moments, second_moments, {}, steps,
                      update.learning_rate, config_.beta1, config_.beta2, update.weight_decay,
                      config_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }

 private:
  OptimizerConfig config_;
};

}  // namespace

OptimizerKind adamw() {
  return {{"adamw", "AdamW", config::NoSettings()},
          [](const OptimizerConfig& config) { return std::make_unique<AdamW>(config); }};
}

}  // namespace moca::training
