#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <utility>

#include "moca/config/rules.h"

namespace moca::flow {

// How training draws noise levels, and how a noise level weighs in its loss (SD3, Sec. 3.1; the
// reference's scheme "logit_normal" is a density, its loss weighs as kNone).
enum class NoiseDensity { kLogitNormal, kUniform, kMode };
enum class LossWeighting { kNone, kSigmaSqrt, kCosmap };

constexpr auto enum_names(NoiseDensity) {
  return std::array{std::pair{"logit_normal", NoiseDensity::kLogitNormal},
                    std::pair{"uniform", NoiseDensity::kUniform},
                    std::pair{"mode", NoiseDensity::kMode}};
}
constexpr auto enum_names(LossWeighting) {
  return std::array{std::pair{"none", LossWeighting::kNone},
                    std::pair{"sigma_sqrt", LossWeighting::kSigmaSqrt},
                    std::pair{"cosmap", LossWeighting::kCosmap}};
}

// Training's noise levels.
struct FlowConfig {
  NoiseDensity density = NoiseDensity::kLogitNormal;
  double logit_mean = 0.0;
  double logit_std = 1.0;
  double mode_scale = 1.29;
  double shift = 1.0;
  LossWeighting loss_weighting = LossWeighting::kNone;

  static void fields(auto& self, auto&& v) {
    using config::above, config::in_range;
    v("density", self.density, "density of training's noise levels (PartCrafter: logit_normal)");
    v("logit_mean", self.logit_mean,
      "logit_normal: mean of the noise levels' logits; above 0 favours noise (PartCrafter: 0)");
    v("logit_std", self.logit_std, "logit_normal: their standard deviation (PartCrafter: 1)",
      above(0.0));
    v("mode_scale", self.mode_scale, "mode: weight of the middle; 0 is uniform (SD3: 1.29)",
      in_range(-1.0, 1.75));  // SD3 Sec. 3.1: monotonic from -1 to 2 / (pi - 2)
    v("shift", self.shift, "above 1: noise levels are moved up as by sampler.schedule.shift",
      above(0.0));
    v("loss_weighting", self.loss_weighting,
      "weight of an asset's loss by noise level s: 1, 1 / s^2, or 2 / (pi (1 - 2 s + 2 s^2))");
  }
};

// sigmoid(mean + std * normal), of standard normal draws.
at::Tensor logit_normal_density(const at::Tensor& normal, double mean, double std);

// 1 - u - scale (cos^2(pi u / 2) - 1 + u), of uniform draws u in [0, 1].
at::Tensor mode_density(const at::Tensor& uniform, double scale);

// `count` noise levels in (0, 1], float on the CPU. They are the densities' values themselves; the
// reference takes 1 minus them (a row of its table), which only mirrors logit_mean.
at::Tensor draw_noise_levels(int64_t count, const FlowConfig& config, at::Generator generator);

// The factor of the loss at each noise level; same shape.
at::Tensor loss_weight(const at::Tensor& noise_level, LossWeighting weighting);

}  // namespace moca::flow
