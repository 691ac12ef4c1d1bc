#include "moca/flow/euler_sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "moca/core/generator.h"
#include "moca/flow/rectified_flow.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"

namespace moca::flow {
namespace {

using testing::all_close;
using testing::bit_equal;

at::Tensor draw_noise() {
  return at::randn({3, 2, 5, 4}, generator_for(1, "noise"), at::TensorOptions());
}

SamplerConfig settings(int64_t num_steps, double guidance_scale) {
  SamplerConfig config;
  config.num_steps = num_steps;
  config.guidance_scale = guidance_scale;
  return config;
}

TEST(EulerSampler, FollowsAConstantVelocityExactly) {
  const auto noise = draw_noise();
  const auto latents = at::ones_like(noise);
  const VelocityFunction velocity = [&](const at::Tensor&, const at::Tensor&, bool) {
    return noise - latents;
  };
  EXPECT_TRUE(all_close(sample(velocity, noise, settings(7, 1.0)), latents, 1e-5));
}

TEST(EulerSampler, GuidanceMovesFromUnconditionedPastConditioned) {
  const auto noise = at::zeros({1, 1, 1, 1});
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&,
                                       bool conditioned) {
    return at::full_like(noisy, conditioned ? 2.0 : 1.0);
  };
  EXPECT_NEAR(sample(velocity, noise, settings(4, 3.0)).item<double>(), -(1.0 + 3.0 * (2.0 - 1.0)),
              1e-6);
}

TEST(EulerSampler, WithoutGuidanceNeverAsksForTheUnconditioned) {
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&,
                                       bool conditioned) {
    EXPECT_TRUE(conditioned);
    return noisy;
  };
  sample(velocity, at::zeros({1, 1, 1, 1}), settings(2, 1.0));
}

// The velocity x has the solution x(0) = x(1) / e; n Euler steps give x(1) (1 - 1/n)^n.
TEST(EulerSampler, TakesEulersStepsAndConvergesInTheirFirstOrder) {
  const auto noise = draw_noise();
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&, bool) {
    return noisy;
  };
  double previous_error = 0;
  for (const int64_t num_steps : {10, 20, 40}) {
    const double factor = std::pow(1.0 - 1.0 / static_cast<double>(num_steps), num_steps);
    const auto latents = sample(velocity, noise, settings(num_steps, 1.0));
    EXPECT_TRUE(all_close(latents, noise * factor, 1e-5));
    const double error =
        (latents - noise * std::exp(-1.0)).norm().item<double>() / noise.norm().item<double>();
    if (previous_error > 0) {
      EXPECT_NEAR(previous_error / error, 2.0, 0.1);
    }
    previous_error = error;
  }
}

TEST(EulerSampler, IsLinearInTheGuidance) {
  const auto noise = draw_noise();
  int num_calls = 0;
  const VelocityFunction velocity = [&](const at::Tensor& noisy, const at::Tensor&,
                                        bool conditioned) {
    ++num_calls;
    EXPECT_FALSE(at::GradMode::is_enabled());
    return at::full_like(noisy, conditioned ? -0.5 : 2.0);
  };
  const auto unconditioned = sample(velocity, noise, settings(5, 0.0));
  EXPECT_EQ(num_calls, 10);
  EXPECT_TRUE(all_close(unconditioned, noise - 2.0, 1e-5));
  const auto conditioned = sample(velocity, noise, settings(5, 1.0));
  EXPECT_EQ(num_calls, 15);
  EXPECT_TRUE(all_close(sample(velocity, noise, settings(5, 3.0)),
                        unconditioned + 3.0 * (conditioned - unconditioned), 1e-5));
}

// Were the learnt velocity exact, sampling would undo the noise of training.
TEST(EulerSampler, LeadsFromTheNoiseBackToTheLatentsOfTraining) {
  const auto latents = draw_noise();
  const auto training = add_noise(latents, generator_for(7, "noise"));
  const VelocityFunction velocity = [&](const at::Tensor&, const at::Tensor&, bool) {
    return training.velocity;
  };
  auto config = settings(6, 1.0);
  config.schedule.shift = 3.0;
  EXPECT_TRUE(all_close(sample(velocity, latents + training.velocity, config), latents, 1e-5));
}

TEST(EulerSampler, RefusesNoiseOfAnotherRank) {
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&, bool) {
    return noisy;
  };
  EXPECT_THROW(sample(velocity, at::zeros({2, 3, 4}), settings(2, 1.0)), c10::Error);
}

TEST(EulerSampler, DefaultScheduleChangesNoNumber) {
  // The sampler as it was before schedules were settings.
  const auto noise = draw_noise();
  const auto model = [](const at::Tensor& noisy, const at::Tensor& level) {
    return at::sin(noisy * 3.0 + level.to(at::kFloat).view({3, 1, 1, 1}));
  };
  auto expected = noise;
  for (int64_t i = 0; i < 7; ++i) {
    const double now = 1.0 - static_cast<double>(i) / 7.0;
    const double next = 1.0 - static_cast<double>(i + 1) / 7.0;
    expected = expected + (next - now) * model(expected, at::full({3}, now, at::kFloat));
  }
  const VelocityFunction velocity = [&](const at::Tensor& noisy, const at::Tensor& level, bool) {
    return model(noisy, level);
  };
  EXPECT_TRUE(bit_equal(sample(velocity, noise, settings(7, 1.0)), expected));
}

TEST(EulerSampler, GoesThroughTheShiftedLevelsAsExactTimesteps) {
  auto config = settings(4, 1.0);
  config.schedule.use_dynamic_shifting = true;
  config.schedule.mu = 0.8;
  const auto table = sampling_table(4, config.schedule);
  std::vector<at::Tensor> timesteps;
  const VelocityFunction velocity = [&](const at::Tensor& noisy, const at::Tensor& level, bool) {
    EXPECT_EQ(level.scalar_type(), at::kDouble);
    timesteps.push_back((level * 1000.0).to(at::kFloat)[0]);
    return at::ones_like(noisy);
  };
  const auto noise = draw_noise();
  EXPECT_TRUE(all_close(sample(velocity, noise, config), noise - 1.0, 1e-6));
  EXPECT_TRUE(bit_equal(at::stack(timesteps), table.timesteps));
}

TEST(EulerSampler, TellsTheTimestepsOfAnotherScale) {
  auto config = settings(3, 1.0);
  config.schedule.num_train_timesteps = 500;
  std::vector<double> timesteps;
  const VelocityFunction velocity = [&](const at::Tensor& noisy, const at::Tensor& level, bool) {
    timesteps.push_back(1000.0 * level[0].item<double>());
    return noisy;
  };
  sample(velocity, draw_noise(), config);
  ASSERT_EQ(timesteps.size(), 3U);
  EXPECT_NEAR(timesteps[0], 500.0, 1e-3);
  EXPECT_NEAR(timesteps[1], 500.0 * 2.0 / 3.0, 1e-3);
}

TEST(EulerSampler, ShowsEveryStepToTheObserver) {
  const VelocityFunction velocity = [](const at::Tensor& noisy, const at::Tensor&,
                                       bool conditioned) {
    return at::full_like(noisy, conditioned ? 2.0 : 1.0);
  };
  std::vector<SamplerStep> steps;
  const auto latents = sample(velocity, at::zeros({1, 1, 1, 1}), settings(4, 3.0),
                              [&](const SamplerStep& step) { steps.push_back(step); });
  ASSERT_EQ(steps.size(), 4U);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(steps[i].index, i);
    EXPECT_EQ(steps[i].noise_level, 1.0 - 0.25 * static_cast<double>(i));
    EXPECT_NEAR(steps[i].velocity.item<double>(), 4.0, 1e-6);
    EXPECT_NEAR(steps[i].latents.item<double>(), -static_cast<double>(i + 1), 1e-6);
  }
  EXPECT_TRUE(bit_equal(steps.back().latents, latents));
}

class SamplerFixture : public testing::FixtureTest {
 protected:
  SamplerFixture() : FixtureTest("partcrafter_sampler") {}
};

INSTANTIATE_TEST_SUITE_P(From, SamplerFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(SamplerFixture, FollowsPartCraftersLoop) {
  const int64_t num_steps = description_.at("num_inference_steps");
  // Its recorded predictions, guidance included, in the reference's sign.
  int64_t next = 0;
  const VelocityFunction velocity = [&](const at::Tensor&, const at::Tensor& level, bool) {
    EXPECT_EQ((level * 1000.0).to(at::kFloat)[0].item<float>(),
              output("timesteps")[next].item<float>());
    return -output("pred_" + std::to_string(next++)).unsqueeze(0);
  };
  sample(velocity, input("latents").unsqueeze(0), settings(num_steps, 1.0),
         [&](const SamplerStep& step) {
           const auto expected = output("latents_" + std::to_string(step.index));
           EXPECT_TRUE(all_close(step.latents[0], expected, 1e-6));
         });
  EXPECT_EQ(next, num_steps);
}

}  // namespace
}  // namespace moca::flow
