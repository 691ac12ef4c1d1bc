#include "moca/flow/schedule.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "moca/flow/rectified_flow.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"

namespace moca::flow {
namespace {

using testing::all_close;
using testing::bit_equal;

// The schedules of the fixture "scheduler", in its order.
struct FixtureSchedule {
  ScheduleConfig config;
  int64_t num_steps;
};

std::vector<FixtureSchedule> fixture_schedules() {
  ScheduleConfig shifted;
  shifted.shift = 3.0;
  ScheduleConfig dynamic;
  dynamic.use_dynamic_shifting = true;
  dynamic.mu = 0.8;
  return {{ScheduleConfig{}, 6}, {shifted, 5}, {dynamic, 4}};
}

TEST(Schedule, RunsFromOneToZero) {
  EXPECT_EQ(noise_schedule(4), (std::vector<double>{1.0, 0.75, 0.5, 0.25, 0.0}));
  for (const auto& [config, num_steps] : fixture_schedules()) {
    for (const int64_t count : {int64_t{1}, num_steps, int64_t{1000}}) {
      const auto levels = noise_schedule(count, config);
      ASSERT_EQ(levels.size(), static_cast<size_t>(count + 1));
      EXPECT_EQ(levels.front(), 1.0);
      EXPECT_EQ(levels.back(), 0.0);
      for (size_t i = 1; i < levels.size(); ++i) {
        EXPECT_LT(levels[i], levels[i - 1]);
      }
    }
  }
}

TEST(Schedule, ShiftMultipliesTheOddsOfNoise) {
  ScheduleConfig config;
  config.shift = 2.5;
  const auto plain = noise_schedule(10);
  const auto shifted = noise_schedule(10, config);
  config.use_dynamic_shifting = true;  // by e^mu instead, whatever the shift
  config.mu = std::log(2.5);
  config.shift = 7.0;
  const auto dynamic = noise_schedule(10, config);
  for (size_t i = 1; i < 10; ++i) {
    const double odds = plain[i] / (1.0 - plain[i]);
    EXPECT_NEAR(shifted[i] / (1.0 - shifted[i]), 2.5 * odds, 1e-12 * odds);
    EXPECT_NEAR(dynamic[i], shifted[i], 1e-15);
  }
}

TEST(Schedule, TrainingTableHasTheStaticShiftOnly) {
  ScheduleConfig config;
  config.num_train_timesteps = 50;
  const auto plain = training_table(config);
  config.use_dynamic_shifting = true;
  config.mu = 3.0;
  EXPECT_TRUE(bit_equal(training_table(config).noise_levels, plain.noise_levels));
  config.use_dynamic_shifting = false;
  config.shift = 4.0;
  EXPECT_TRUE(
      bit_equal(training_table(config).noise_levels, shift_noise_level(plain.noise_levels, 4.0)));
}

TEST(Schedule, TrainingIndexStaysInTheTable) {
  const auto draws = at::tensor({0.0, 0.0004, 0.0011, 0.5, 0.99999, 1.0}, at::kFloat);
  const auto expected = at::tensor({0, 0, 1, 500, 999, 999}, at::kLong);
  EXPECT_TRUE(bit_equal(training_index(draws), expected));
  EXPECT_TRUE(bit_equal(training_index(at::tensor({-1e-7, 1.0}, at::kFloat)),
                        at::tensor({0, 999}, at::kLong)));
}

class SchedulerFixture : public testing::FixtureTest {
 protected:
  SchedulerFixture() : FixtureTest("scheduler") {}
};

INSTANTIATE_TEST_SUITE_P(From, SchedulerFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(SchedulerFixture, TablesAreTripoSgsBitForBit) {
  int64_t index = 0;
  for (const auto& [config, num_steps] : fixture_schedules()) {
    const std::string prefix = std::to_string(index++) + "/";
    const auto sampling = sampling_table(num_steps, config);
    EXPECT_TRUE(bit_equal(sampling.noise_levels, output(prefix + "sigmas")));
    EXPECT_TRUE(bit_equal(sampling.timesteps, output(prefix + "timesteps")));
    const auto training = training_table(config);
    EXPECT_TRUE(bit_equal(training.noise_levels, output(prefix + "train_sigmas")));
    EXPECT_TRUE(bit_equal(training.timesteps, output(prefix + "train_timesteps")));
  }
}

TEST_P(SchedulerFixture, StepsAreTripoSgsBitForBit) {
  int64_t index = 0;
  for (const auto& [config, num_steps] : fixture_schedules()) {
    const std::string prefix = std::to_string(index) + "/prev_sample_";
    const auto outputs = input("model_output_" + std::to_string(index++));
    const auto levels = sampling_table(num_steps, config).noise_levels.to(at::kDouble);
    auto latents = input("sample");
    for (int64_t i = 0; i < num_steps; ++i) {
      // The reference's models give latents - noise.
      latents =
          euler_step(latents, -outputs[i], levels[i].item<double>(), levels[i + 1].item<double>());
      EXPECT_TRUE(bit_equal(latents, output(prefix + std::to_string(i))));
    }
  }
}

TEST_P(SchedulerFixture, ScaledNoiseIsTripoSgsBitForBit) {
  int64_t index = 0;
  for (const auto& [config, num_steps] : fixture_schedules()) {
    const auto timesteps = sampling_table(num_steps, config).timesteps.narrow(0, 0, 2);
    EXPECT_TRUE(bit_equal(scale_noise(input("clean"), input("noise"), timesteps, config),
                          output(std::to_string(index++) + "/scale_noise")));
  }
}

TEST_P(SchedulerFixture, TrainingSampleIsPartCraftersBitForBit) {
  const auto draws = logit_normal_density(input("density_normal"), 0.0, 1.0);
  EXPECT_TRUE(all_close(draws, output("density/logit_normal_u"), 1e-7));
  const auto index = training_index(draws);
  EXPECT_TRUE(bit_equal(index, output("train_indices")));
  const auto table = training_table();
  const auto levels = table.noise_levels.index_select(0, index);
  EXPECT_TRUE(bit_equal(levels, output("train_sigma")));
  EXPECT_TRUE(bit_equal(table.timesteps.index_select(0, index), output("train_t")));
  const auto clean = input("clean");
  EXPECT_TRUE(bit_equal(mix(clean, input("noise"), levels.narrow(0, 0, clean.size(0))),
                        output("train_noisy")));
  EXPECT_TRUE(bit_equal(input("noise") - clean, output("train_target_v")));
  EXPECT_TRUE(bit_equal(clean - input("noise"), output("train_target_neg_v")));
}

TEST_P(SchedulerFixture, DensitiesAndWeightsAreTripoSgs) {
  EXPECT_TRUE(
      all_close(mode_density(input("density_uniform"), 1.29), output("density/mode_u"), 1e-6));
  const auto levels = input("loss_sigmas");
  EXPECT_TRUE(bit_equal(loss_weight(levels, LossWeighting::kNone), output("loss_weight/none")));
  EXPECT_TRUE(
      bit_equal(loss_weight(levels, LossWeighting::kNone), output("loss_weight/logit_normal")));
  EXPECT_TRUE(all_close(loss_weight(levels, LossWeighting::kSigmaSqrt),
                        output("loss_weight/sigma_sqrt"), 1e-6));
  EXPECT_TRUE(
      all_close(loss_weight(levels, LossWeighting::kCosmap), output("loss_weight/cosmap"), 1e-6));
}

}  // namespace
}  // namespace moca::flow
