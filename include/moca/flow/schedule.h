#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "moca/config/rules.h"

// The noise levels (sigma) of TripoSG's RectifiedFlowScheduler; a timestep is num_train_timesteps
// times a noise level.
namespace moca::flow {

struct ScheduleConfig {
  int64_t num_train_timesteps = 1000;
  double shift = 1.0;
  bool use_dynamic_shifting = false;
  double mu = 0.0;

  static void fields(auto& self, auto&& v) {
    v("num_train_timesteps", self.num_train_timesteps,
      "timestep of pure noise; the time embedding is made for this one (TripoSG: 1000)",
      config::one_of({1000}));
    v("shift", self.shift,
      "above 1: more steps at high noise levels; 1: equal steps (TripoSG, PartCrafter: 1)",
      config::above(0.0));
    v("use_dynamic_shifting", self.use_dynamic_shifting, "shift by e^mu instead of by shift");
    v("mu", self.mu, "the shift of use_dynamic_shifting", config::in_range(-20.0, 20.0));
  }
};

// shift s / (1 + (shift - 1) s), of each noise level.
at::Tensor shift_noise_level(const at::Tensor& noise_level, double shift);

// num_steps + 1 noise levels from 1 to 0: 1 - i / num_steps, shifted.
std::vector<double> noise_schedule(int64_t num_steps, const ScheduleConfig& config = {});

// Noise levels and their timesteps as the reference holds them, in float.
struct NoiseTable {
  at::Tensor noise_levels;
  at::Tensor timesteps;
};

// What sampling goes through: noise levels [num_steps + 1], timesteps [num_steps].
NoiseTable sampling_table(int64_t num_steps, const ScheduleConfig& config = {});

// What training draws from, both [num_train_timesteps]: 1 - k / num_train_timesteps, with the
// static shift but without the dynamic one.
NoiseTable training_table(const ScheduleConfig& config = {});

// The rows of the training table that draws in [0, 1] pick: floor(num_train_timesteps * draw). A
// small draw picks a high noise level.
at::Tensor training_index(const at::Tensor& draws, const ScheduleConfig& config = {});

// (1 - s) latents + s noise with s = timestep / num_train_timesteps. latents, noise: [B, ...];
// timesteps: [B].
at::Tensor scale_noise(const at::Tensor& latents, const at::Tensor& noise,
                       const at::Tensor& timesteps, const ScheduleConfig& config = {});

}  // namespace moca::flow
