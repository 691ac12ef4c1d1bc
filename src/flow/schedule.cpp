#include "moca/flow/schedule.h"

#include <ATen/ATen.h>

#include <cmath>

#include "moca/flow/rectified_flow.h"

namespace moca::flow {
namespace {

double shifted(double noise_level, const ScheduleConfig& config) {
  if (config.use_dynamic_shifting) {
    const double factor = std::exp(config.mu);
    return noise_level == 0.0 ? 0.0 : factor / (factor + (1.0 / noise_level - 1.0));
  }
  return config.shift * noise_level / (1.0 + (config.shift - 1.0) * noise_level);
}

}  // namespace

at::Tensor shift_noise_level(const at::Tensor& noise_level, double shift) {
  return shift * noise_level / (1.0 + (shift - 1.0) * noise_level);
}

std::vector<double> noise_schedule(int64_t num_steps, const ScheduleConfig& config) {
  std::vector<double> levels;
  for (int64_t i = 0; i <= num_steps; ++i) {
    levels.push_back(
        shifted(1.0 - static_cast<double>(i) / static_cast<double>(num_steps), config));
  }
  return levels;
}

NoiseTable sampling_table(int64_t num_steps, const ScheduleConfig& config) {
  const auto levels = at::tensor(noise_schedule(num_steps, config), at::kFloat);
  return {levels, levels.narrow(0, 0, num_steps) * static_cast<double>(config.num_train_timesteps)};
}

NoiseTable training_table(const ScheduleConfig& config) {
  const auto num_rows = static_cast<double>(config.num_train_timesteps);
  const auto rows = at::arange(config.num_train_timesteps, at::kDouble);
  const auto timesteps = (1.0 - rows / num_rows) * num_rows;
  auto levels = timesteps.to(at::kFloat) / num_rows;
  if (!config.use_dynamic_shifting) {
    levels = shift_noise_level(levels, config.shift);
  }
  return {levels, levels * num_rows};
}

at::Tensor training_index(const at::Tensor& draws, const ScheduleConfig& config) {
  const auto num_rows = static_cast<double>(config.num_train_timesteps);
  return (draws.to(at::kFloat) * num_rows)
      .to(at::kLong)
      .clamp(int64_t{0}, config.num_train_timesteps - 1);
}

at::Tensor scale_noise(const at::Tensor& latents, const at::Tensor& noise,
                       const at::Tensor& timesteps, const ScheduleConfig& config) {
  return mix(latents, noise,
             timesteps.to(at::kFloat) / static_cast<double>(config.num_train_timesteps));
}

}  // namespace moca::flow
