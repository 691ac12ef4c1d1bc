#include "moca/flow/rectified_flow.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "moca/core/generator.h"
#include "moca/flow/euler_sampler.h"
#include "tests/support/tensor_matchers.h"

namespace moca::flow {
namespace {

using testing::all_close;

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

TEST(EulerSampler, FollowsAConstantVelocityExactly) {
  const auto noise = draw_latents();
  const auto latents = at::ones_like(noise);
  const VelocityFunction velocity = [&](const at::Tensor&, const at::Tensor&, bool) {
    return noise - latents;
  };
  EXPECT_TRUE(all_close(sample(velocity, noise, {7, 1.0}), latents, 1e-5));
}

TEST(EulerSampler, GuidanceMovesFromUnconditionedPastConditioned) {
  const auto noise = at::zeros({1, 1, 1, 1});
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&,
                                       bool conditioned) {
    return at::full_like(noisy, conditioned ? 2.0 : 1.0);
  };
  EXPECT_NEAR(sample(velocity, noise, {4, 3.0}).item<double>(), -(1.0 + 3.0 * (2.0 - 1.0)), 1e-6);
}

TEST(EulerSampler, WithoutGuidanceNeverAsksForTheUnconditioned) {
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&,
                                       bool conditioned) {
    EXPECT_TRUE(conditioned);
    return noisy;
  };
  sample(velocity, at::zeros({1, 1, 1, 1}), {2, 1.0});
}

TEST(EulerSampler, NoiseLevelsRunFromOneToZero) {
  EXPECT_EQ(noise_schedule(4), (std::vector<double>{1.0, 0.75, 0.5, 0.25, 0.0}));
}

}  // namespace
}  // namespace moca::flow
