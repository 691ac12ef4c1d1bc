#include "moca/flow/euler_sampler.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/shapes.h"

namespace moca::flow {

std::vector<double> noise_schedule(int64_t num_steps) {
  std::vector<double> levels;
  for (int64_t i = 0; i <= num_steps; ++i) {
    levels.push_back(1.0 - static_cast<double>(i) / static_cast<double>(num_steps));
  }
  return levels;
}

at::Tensor sample(const VelocityFunction& velocity, const at::Tensor& noise,
                  const SamplerConfig& config) {
  const torch::NoGradGuard no_grad;
  const auto [B, N, L, C] = shape<4>(noise, "noise [B, N, L, C]");
  const auto levels = noise_schedule(config.num_steps);
  auto latents = noise;
  for (int64_t i = 0; i < config.num_steps; ++i) {
    const auto level = at::full({B}, levels[i], noise.options());
    auto predicted = velocity(latents, level, true).to(at::kFloat);
    if (config.guidance_scale != 1.0) {
      const auto unconditioned = velocity(latents, level, false).to(at::kFloat);
      predicted = unconditioned + config.guidance_scale * (predicted - unconditioned);
    }
    latents = latents + (levels[i + 1] - levels[i]) * predicted;
  }
  return latents;
}

}  // namespace moca::flow
