#include "dit_measurements.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "moca/core/text.h"
#include "moca/dit/component_router.h"
#include "moca/dit/router_statistics.h"

namespace moca::training {
namespace {

// Ranges of the noise level whose losses are told apart.
constexpr int kNoiseRanges = 4;

std::string noise_range(int index) {
  return formatted("loss_at_noise_%.2f_to_%.2f", static_cast<double>(index) / kNoiseRanges,
                   static_cast<double>(index + 1) / kNoiseRanges);
}

}  // namespace

std::vector<std::string> dit_measurement_names() {
  std::vector<std::string> names;
  for (int i = 0; i < kNoiseRanges; ++i) {
    names.push_back(noise_range(i));
  }
  names.insert(names.end(), {"router_importance", "router_entropy", "router_load", "components"});
  return names;
}

void measure_losses(Measurements& measurements, const flow::NoisySample& noisy,
                    const at::Tensor& velocity, const at::Tensor& component_mask) {
  const c10::NoGradGuard no_grad;
  const int64_t B = velocity.size(0);
  for (int64_t b = 0; b < B; ++b) {
    const auto one = [b](const at::Tensor& of_batch) { return of_batch.narrow(0, b, 1); };
    const auto loss =
        flow::velocity_loss(one(velocity.detach()), one(noisy.velocity), one(component_mask));
    const int range = std::min(static_cast<int>(noisy.noise_level[b].item<double>() * kNoiseRanges),
                               kNoiseRanges - 1);
    measurements.add(noise_range(range), loss);
  }
  measurements.add("components", component_mask.sum().item<double>());
}

void measure_routers(Measurements& measurements, const dit::MocaDit& dit) {
  for (const auto& module : dit->modules()) {
    const auto* const router = module->as<dit::ComponentRouterImpl>();
    if (router == nullptr || !router->last_routing().importance.defined() ||
        router->last_routing().importance.size(1) < 2) {
      continue;
    }
    const auto statistics = dit::statistics_of(router->last_routing());
    measurements.add("router_importance", statistics.importance);
    measurements.add("router_entropy", statistics.entropy);
    measurements.add("router_load", statistics.load);
  }
}

}  // namespace moca::training
