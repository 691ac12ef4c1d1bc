#include "moca/flow/noise_density.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::flow {
namespace {

using testing::all_close;
using testing::bit_equal;

constexpr int64_t kDraws = 200000;

at::Tensor draw(const FlowConfig& config, uint64_t seed = 1) {
  return draw_noise_levels(kDraws, config, generator_for(seed, "noise levels"));
}

double mean_of(const at::Tensor& values) { return values.to(at::kDouble).mean().item<double>(); }

TEST(NoiseDensity, DefaultIsTheSigmoidOfAStandardNormal) {
  const auto normal = at::randn({kDraws}, generator_for(1, "noise levels"), at::TensorOptions());
  EXPECT_TRUE(bit_equal(draw({}), at::sigmoid(normal)));
}

TEST(NoiseDensity, EveryDensityStaysWithinZeroAndOne) {
  for (const auto density :
       {NoiseDensity::kLogitNormal, NoiseDensity::kUniform, NoiseDensity::kMode}) {
    FlowConfig config;
    config.density = density;
    const auto levels = draw(config);
    EXPECT_EQ(levels.scalar_type(), at::kFloat);
    EXPECT_GT(levels.min().item<float>(), 0.0F);
    EXPECT_LE(levels.max().item<float>(), 1.0F);
    EXPECT_NEAR(mean_of(levels), 0.5, 0.005);  // all three are symmetric
    EXPECT_TRUE(bit_equal(draw(config), levels));
    EXPECT_FALSE(at::equal(draw(config, 2), levels));
  }
}

TEST(NoiseDensity, LogitsHaveTheMeanAndDeviationAskedFor) {
  FlowConfig config;
  config.logit_mean = 0.5;
  config.logit_std = 0.3;
  const auto logits = at::logit(draw(config).to(at::kDouble));
  EXPECT_NEAR(mean_of(logits), 0.5, 0.005);
  EXPECT_NEAR(logits.std().item<double>(), 0.3, 0.005);
}

TEST(NoiseDensity, ModeWithScaleZeroIsUniformAndOtherwiseFavoursTheMiddle) {
  const auto uniform = at::linspace(0.0, 1.0, 101, at::kDouble);
  EXPECT_TRUE(all_close(mode_density(uniform, 0.0), 1.0 - uniform, 1e-15));
  FlowConfig config;
  config.density = NoiseDensity::kMode;
  const auto levels = draw(config);
  const double share = mean_of((levels > 0.45).logical_and(levels < 0.55).to(at::kDouble));
  EXPECT_GT(share, 0.25);  // 0.1 of uniform levels
  // By hand: 0.75 - 1.29 (cos^2(pi / 8) - 0.75), cos^2(pi / 8) = 0.8535534.
  EXPECT_NEAR(mode_density(at::full({1}, 0.25), 1.29).item<double>(), 0.6164161, 1e-6);
}

TEST(NoiseDensity, ModeMapsTheEndsToTheEndsAndFalls) {
  const auto levels = mode_density(at::linspace(0.0, 1.0, 1001, at::kDouble), 1.29);
  EXPECT_NEAR(levels[0].item<double>(), 1.0, 1e-12);
  EXPECT_NEAR(levels[1000].item<double>(), 0.0, 1e-12);
  EXPECT_TRUE((levels.diff() < 0).all().item<bool>());
}

TEST(NoiseDensity, ShiftMovesLevelsTowardsNoise) {
  FlowConfig config;
  config.density = NoiseDensity::kUniform;
  const auto plain = draw(config);
  config.shift = 3.0;
  EXPECT_TRUE(all_close(draw(config), 3.0 * plain / (1.0 + 2.0 * plain), 1e-6));
}

TEST(LossWeight, FollowsItsFormulas) {
  const auto levels = at::tensor({0.1, 0.5, 1.0}, at::kDouble);
  EXPECT_TRUE(bit_equal(loss_weight(levels, LossWeighting::kNone), at::ones({3}, at::kDouble)));
  EXPECT_TRUE(all_close(loss_weight(levels, LossWeighting::kSigmaSqrt),
                        at::tensor({100.0, 4.0, 1.0}, at::kDouble), 1e-14));
  EXPECT_TRUE(all_close(loss_weight(levels, LossWeighting::kCosmap),
                        at::tensor({2 / (M_PI * 0.82), 4 / M_PI, 2 / M_PI}, at::kDouble), 1e-14));
}

TEST(LossWeight, OfCosmapAveragesToOneOverUniformLevels) {
  // The integral of 2 / (pi (1 - 2 s + 2 s^2)) over [0, 1] is 1.
  const auto middles = (at::arange(10000, at::kDouble) + 0.5) / 10000.0;
  EXPECT_NEAR(mean_of(loss_weight(middles, LossWeighting::kCosmap)), 1.0, 1e-8);
}

}  // namespace
}  // namespace moca::flow
