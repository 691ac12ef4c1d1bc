#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "moca/config/rules.h"

namespace moca::flow {

struct SamplerConfig {
  int64_t num_steps = 50;
  double guidance_scale = 7.0;

  static void fields(auto& self, auto&& v) {
    v("num_steps", self.num_steps, "Euler steps from noise to latents (PartCrafter: 50)",
      config::at_least(1));
    v("guidance_scale", self.guidance_scale,
      "classifier-free guidance; 1 is none and halves the work (PartCrafter: 7)",
      config::at_least(0.0));
  }
};

// The model's velocity [B, N, L, C] at noisy latents [B, N, L, C] and noise levels [B];
// `conditioned` says whether it sees the picture.
using VelocityFunction = std::function<at::Tensor(const at::Tensor& noisy_latents,
                                                  const at::Tensor& noise_level, bool conditioned)>;

// Noise levels 1, 1 - 1/steps, ..., 1/steps, 0.
std::vector<double> noise_schedule(int64_t num_steps);

// Follows the velocity from noise [B, N, L, C] to latents; with guidance the unconditioned velocity
// is moved towards the conditioned one by guidance_scale.
at::Tensor sample(const VelocityFunction& velocity, const at::Tensor& noise,
                  const SamplerConfig& config);

}  // namespace moca::flow
