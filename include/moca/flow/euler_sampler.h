#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "moca/config/rules.h"
#include "moca/flow/schedule.h"

namespace moca::flow {

struct SamplerConfig {
  int64_t num_steps = 50;
  double guidance_scale = 7.0;
  bool crop_to_foreground = false;
  ScheduleConfig schedule;

  static void fields(auto& self, auto&& v) {
    v("num_steps", self.num_steps, "Euler steps from noise to latents (PartCrafter: 50)",
      config::at_least(1));
    v("guidance_scale", self.guidance_scale,
      "classifier-free guidance; 1 is none and halves the work (PartCrafter: 7)",
      config::at_least(0.0));
    v("crop_to_foreground", self.crop_to_foreground,
      "sample: crop an image whose alpha tells foreground from background to the foreground, on "
      "white, a tenth of the longer side free at each border (PartCrafter, TripoSG: true)");
    v("schedule", self.schedule, "which noise levels the steps go through");
  }
};

// The model's velocity [B, N, L, C] at noisy latents [B, N, L, C] and noise levels [B];
// `conditioned` says whether it sees the image. The noise levels are doubles of which
// 1000 times one, rounded to float, is the reference's timestep.
using VelocityFunction = std::function<at::Tensor(const at::Tensor& noisy_latents,
                                                  const at::Tensor& noise_level, bool conditioned)>;

// One step of the sampler, for whoever records them.
struct SamplerStep {
  int64_t index = 0;
  double noise_level = 0;  // before the step
  at::Tensor velocity;     // [B, N, L, C], after guidance
  at::Tensor latents;      // [B, N, L, C], after the step
};
using StepObserver = std::function<void(const SamplerStep&)>;

// Follows the velocity from noise [B, N, L, C] to latents; with guidance the unconditioned velocity
// is moved towards the conditioned one by guidance_scale.
at::Tensor sample(const VelocityFunction& velocity, const at::Tensor& noise,
                  const SamplerConfig& config, const StepObserver& observer = {});

}  // namespace moca::flow
