#include "moca/flow/rectified_flow.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::flow {
namespace {

using testing::all_close;
using testing::bit_equal;

at::Tensor draw_latents() {
  return at::randn({3, 2, 5, 4}, generator_for(1, "latents"), at::TensorOptions());
}

TEST(RectifiedFlow, NoisyLatentsLieOnTheStraightPathToTheNoise) {
  const auto latents = draw_latents();
  const auto sample = add_noise(latents, generator_for(1, "noise"));
  const auto level = sample.noise_level.view({3, 1, 1, 1});
  // latents + noise_level * velocity is the path; noise_level 1 is pure noise.
  EXPECT_TRUE(all_close(sample.noisy_latents, latents + level * sample.velocity, 1e-6));
  EXPECT_TRUE((sample.noise_level > 0).all().item<bool>());
  EXPECT_TRUE((sample.noise_level < 1).all().item<bool>());
}

TEST(RectifiedFlow, AddsStandardNormalNoise) {
  const auto latents = at::full({40, 4, 25, 5}, 2.0);
  const auto sample = add_noise(latents, generator_for(3, "noise"));
  const auto noise = sample.velocity + latents;
  EXPECT_NEAR(noise.mean().item<double>(), 0.0, 0.03);  // four standard deviations of 20,000
  EXPECT_NEAR(noise.std().item<double>(), 1.0, 0.02);
}

TEST(RectifiedFlow, RepeatsForASeedAndOnlyForIt) {
  const auto latents = draw_latents();
  const auto first = add_noise(latents, generator_for(5, "noise"));
  const auto again = add_noise(latents, generator_for(5, "noise"));
  const auto other = add_noise(latents, generator_for(6, "noise"));
  EXPECT_TRUE(bit_equal(again.noisy_latents, first.noisy_latents));
  EXPECT_TRUE(bit_equal(again.noise_level, first.noise_level));
  EXPECT_FALSE(at::equal(other.velocity, first.velocity));
  EXPECT_FALSE(at::equal(other.noise_level, first.noise_level));
}

TEST(RectifiedFlow, LossIsZeroAtTheVelocityAndGrowsAsTheSquare) {
  const auto velocity = draw_latents();
  const auto error = draw_latents() * 0.1 + 0.3;
  const auto mask = at::ones({3, 2}, at::kBool);
  EXPECT_EQ(velocity_loss(velocity, velocity, mask).item<double>(), 0.0);
  const double once = velocity_loss(velocity + error, velocity, mask).item<double>();
  EXPECT_NEAR(once, error.square().mean().item<double>(), 1e-6);
  EXPECT_NEAR(velocity_loss(velocity - 2 * error, velocity, mask).item<double>(), 4 * once, 1e-5);
}

TEST(RectifiedFlow, LossHasNoGradientWhereThereIsNoComponent) {
  const auto predicted = draw_latents().requires_grad_();
  const auto velocity = at::zeros({3, 2, 5, 4});
  const auto mask = at::tensor({1, 1, 1, 0, 1, 0}, at::kInt).view({3, 2}).to(at::kBool);
  const auto gradient =
      torch::autograd::grad({velocity_loss(predicted, velocity, mask)}, {predicted})[0];
  // 2 (predicted - velocity) over 5 tokens, 4 channels and 4 components.
  const auto expected = at::where(mask.view({3, 2, 1, 1}), 2.0 * predicted.detach() / 80.0, 0.0);
  EXPECT_TRUE(all_close(gradient, expected, 1e-7));
  EXPECT_EQ(gradient[1][1].abs().max().item<double>(), 0.0);
}

TEST(RectifiedFlow, LossDoesNotCareAboutPaddingOrOrder) {
  const auto predicted = draw_latents();
  const auto velocity = predicted * 0.5 + 1.0;
  const auto mask = at::ones({3, 2}, at::kBool);
  const auto padding = at::full({3, 4, 5, 4}, 7.0);
  const auto padded =
      velocity_loss(at::cat({predicted, padding}, 1), at::cat({velocity, -padding}, 1),
                    at::cat({mask, at::zeros({3, 4}, at::kBool)}, 1));
  const auto whole = velocity_loss(predicted, velocity, mask);
  EXPECT_TRUE(all_close(padded, whole, 1e-6));
  EXPECT_TRUE(all_close(velocity_loss(predicted.flip({1}), velocity.flip({1}), mask), whole, 1e-6));
}

TEST(RectifiedFlow, LossIsInFloatAndNamesWrongShapes) {
  const auto velocity = draw_latents();
  const auto mask = at::ones({3, 2}, at::kBool);
  const auto loss = velocity_loss(velocity.to(at::kBFloat16), velocity, mask);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  try {
    velocity_loss(velocity, velocity, mask.narrow(1, 0, 1));
    FAIL() << "a mask of one component was accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("component_mask [B, N] = [3, 2], got [3, 1]"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(add_noise(velocity[0], generator_for(1, "noise")), c10::Error);
}

TEST(RectifiedFlow, LossIgnoresAbsentComponents) {
  auto predicted = draw_latents();
  const auto velocity = at::zeros_like(predicted);
  const auto mask = at::tensor({1, 1, 1, 0, 1, 0}, at::kInt).view({3, 2}).to(at::kBool);
  const auto loss = velocity_loss(predicted, velocity, mask);
  predicted[1][1].fill_(1e6);
  EXPECT_EQ(loss.item<double>(), velocity_loss(predicted, velocity, mask).item<double>());
  const auto expected = (predicted[0].square().mean({1, 2}).sum() +
                         predicted[1][0].square().mean() + predicted[2][0].square().mean()) /
                        4.0;
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-6);
}

TEST(RectifiedFlow, DefaultSettingsChangeNoNumber) {
  // What the project drew and optimised before densities and weights were settings.
  const auto latents = draw_latents();
  auto generator = generator_for(1, "noise");
  const auto level = at::sigmoid(at::randn({3}, generator, at::TensorOptions())).view({3, 1, 1, 1});
  const auto noise = at::randn({3, 2, 5, 4}, generator, at::TensorOptions());
  const auto sample = add_noise(latents, generator_for(1, "noise"));
  EXPECT_TRUE(bit_equal(sample.noise_level.view({3, 1, 1, 1}), level));
  EXPECT_TRUE(bit_equal(sample.noisy_latents, (1.0 - level) * latents + level * noise));
  const auto mask = at::ones({3, 2}, at::kBool);
  EXPECT_TRUE(bit_equal(velocity_loss(latents, sample.velocity, mask),
                        velocity_loss(latents, sample.velocity, mask,
                                      loss_weight(sample.noise_level, LossWeighting::kNone))));
}

TEST(RectifiedFlow, LossWeighsByAsset) {
  const auto predicted = draw_latents();
  const auto velocity = at::zeros_like(predicted);
  const auto mask = at::tensor({1, 1, 1, 0, 1, 0}, at::kInt).view({3, 2}).to(at::kBool);
  const auto each = [&](int64_t asset, int64_t component) {
    return predicted[asset][component].square().mean().item<double>();
  };
  const auto loss =
      velocity_loss(predicted, velocity, mask, at::tensor({1.0, 10.0, 0.0}, at::kFloat));
  EXPECT_NEAR(loss.item<double>(), (each(0, 0) + each(0, 1) + 10.0 * each(1, 0)) / 4.0, 1e-5);
}

TEST(RectifiedFlow, MixTakesAnyShapeWithOneLevelPerAssetAndNamesOthers) {
  const auto latents = at::zeros({3, 7});
  const auto mixed = mix(latents, at::ones({3, 7}), at::tensor({0.0, 0.25, 1.0}, at::kFloat));
  EXPECT_TRUE(bit_equal(mixed.select(1, 6), at::tensor({0.0, 0.25, 1.0}, at::kFloat)));
  EXPECT_THROW(mix(latents, at::ones({3, 6}), at::zeros({3})), c10::Error);
  EXPECT_THROW(mix(latents, at::ones({3, 7}), at::zeros({7})), c10::Error);
}

TEST(RectifiedFlow, EulerStepsOfAStraightPathLandOnIt) {
  const auto latents = draw_latents();
  const auto noise = at::randn({3, 2, 5, 4}, generator_for(2, "noise"), at::TensorOptions());
  const auto at_level = [&](double level) { return mix(latents, noise, at::full({3}, level)); };
  EXPECT_TRUE(bit_equal(at_level(0.0), latents));
  EXPECT_TRUE(bit_equal(at_level(1.0), noise));
  EXPECT_TRUE(all_close(euler_step(at_level(0.7), noise - latents, 0.7, 0.2), at_level(0.2), 1e-6));
}

}  // namespace
}  // namespace moca::flow
