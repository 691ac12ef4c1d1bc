#include "moca/flow/noise_density.h"

#include <ATen/ATen.h>

#include <cmath>

#include "moca/flow/schedule.h"

namespace moca::flow {

at::Tensor logit_normal_density(const at::Tensor& normal, double mean, double std) {
  return at::sigmoid(normal * std + mean);
}

at::Tensor mode_density(const at::Tensor& uniform, double scale) {
  const auto cosine = at::cos(M_PI * uniform / 2.0);
  return 1.0 - uniform - scale * (cosine.square() - 1.0 + uniform);
}

at::Tensor draw_noise_levels(int64_t count, const FlowConfig& config, at::Generator generator) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  at::Tensor levels;
  switch (config.density) {
    case NoiseDensity::kLogitNormal:
      levels = logit_normal_density(at::randn({count}, generator, options), config.logit_mean,
                                    config.logit_std);
      break;
    case NoiseDensity::kUniform:
      levels = 1.0 - at::rand({count}, generator, options);  // never 0, where weights are infinite
      break;
    case NoiseDensity::kMode:
      levels = mode_density(at::rand({count}, generator, options), config.mode_scale);
      break;
  }
  return shift_noise_level(levels, config.shift);
}

at::Tensor loss_weight(const at::Tensor& noise_level, LossWeighting weighting) {
  return weighting == LossWeighting::kSigmaSqrt ? noise_level.pow(-2.0)
         : weighting == LossWeighting::kCosmap
             ? 2.0 / (M_PI * (1.0 - 2.0 * noise_level + 2.0 * noise_level.square()))
             : at::ones_like(noise_level);
}

}  // namespace moca::flow
