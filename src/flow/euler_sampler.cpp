#include "moca/flow/euler_sampler.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/shapes.h"
#include "moca/flow/rectified_flow.h"

namespace moca::flow {

at::Tensor sample(const VelocityFunction& velocity, const at::Tensor& noise,
                  const SamplerConfig& config, const StepObserver& observer) {
  const torch::NoGradGuard no_grad;
  const auto [B, N, L, C] = shape<4>(noise, "noise [B, N, L, C]");
  const auto levels = noise_schedule(config.num_steps, config.schedule);
  const auto timesteps_per_level = static_cast<double>(config.schedule.num_train_timesteps);
  auto latents = noise;
  for (int64_t i = 0; i < config.num_steps; ++i) {
    const double level_in_float = static_cast<float>(levels[i]);
    const auto level = at::full({B}, level_in_float * timesteps_per_level / 1000.0,
                                noise.options().dtype(at::kDouble));
    auto predicted = velocity(latents, level, true).to(at::kFloat);
    if (config.guidance_scale != 1.0) {
      const auto unconditioned = velocity(latents, level, false).to(at::kFloat);
      predicted = unconditioned + config.guidance_scale * (predicted - unconditioned);
    }
    latents = euler_step(latents, predicted, levels[i], levels[i + 1]);
    if (observer) {
      observer({i, level_in_float, predicted, latents});
    }
  }
  return latents;
}

}  // namespace moca::flow
