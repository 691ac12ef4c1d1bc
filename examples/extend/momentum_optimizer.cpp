// An optimiser: gradient descent with momentum. `training.optimizer.name: momentum` chooses it.
#include <ATen/ATen.h>

#include <memory>

#include "extend.h"
#include "moca/training/update_rule.h"

namespace {

struct MomentumConfig {
  double factor = 0.9;

  static void fields(auto& self, auto&& v) {
    v("factor", self.factor, "what is kept of the steps before", moca::config::in_range(0, 1));
  }
};

class Momentum : public moca::training::UpdateRule {
 public:
  explicit Momentum(double factor) : factor_(factor) {}

  moca::checkpoint::NamedTensors initial_state(const at::Tensor& parameter) const override {
    return {{"momentum", at::zeros_like(parameter).detach()}};
  }

  void update(const moca::training::ParameterUpdate& update) const override {
    const auto& momenta = update.state[0];
    at::_foreach_mul_(momenta, factor_);
    at::_foreach_add_(momenta, update.gradients);
    at::_foreach_add_(update.parameters, momenta, -update.learning_rate);
  }

 private:
  double factor_;
};

}  // namespace

void register_momentum() {
  moca::training::register_optimizer(
      {{"momentum", "gradient descent with momentum", MomentumConfig()},
       [](const moca::training::OptimizerConfig& config) {
         return std::make_unique<Momentum>(config.kind.settings<MomentumConfig>().factor);
       }});
}
