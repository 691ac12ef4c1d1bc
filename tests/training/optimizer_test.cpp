#include "moca/training/optimizer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "moca/training/averaged_weights.h"
#include "tests/support/tensor_matchers.h"

namespace moca::training {
namespace {

using testing::all_close;

OptimizerConfig plain_config() {
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  config.max_gradient_norm = 0;
  return config;
}

TEST(Optimizer, TakesTheStepsOfTorchsAdamW) {
  torch::manual_seed(0);
  torch::nn::Linear ours(4, 3), theirs(4, 3);
  const auto target = at::randn({8, 3});
  const auto input = at::randn({8, 4});
  {
    const torch::NoGradGuard no_grad;
    theirs->weight.copy_(ours->weight);
    theirs->bias.copy_(ours->bias);
  }
  const auto config = plain_config();
  Optimizer optimizer(*ours, config);
  torch::optim::AdamW reference(theirs->parameters(),
                                torch::optim::AdamWOptions(1e-2).weight_decay(0.01));
  for (int step = 0; step < 10; ++step) {
    optimizer.zero_gradients();
    at::mse_loss(ours(input), target).backward();
    optimizer.step(1e-2);
    reference.zero_grad();
    at::mse_loss(theirs(input), target).backward();
    reference.step();
  }
  EXPECT_TRUE(all_close(ours->weight, theirs->weight, 1e-6));
  EXPECT_TRUE(all_close(ours->bias, theirs->bias, 1e-6));
}

TEST(Optimizer, ScalesGradientsDownToTheAllowedNorm) {
  torch::nn::Linear module(2, 1);
  auto config = plain_config();
  config.max_gradient_norm = 0.5;
  Optimizer optimizer(*module, config);
  module->weight.mutable_grad() = at::full({1, 2}, 3.0);
  module->bias.mutable_grad() = at::full({1}, 4.0);
  EXPECT_NEAR(optimizer.step(1e-3), std::sqrt(34.0), 1e-5);
  const auto norm = at::cat({module->weight.grad().flatten(), module->bias.grad()}).norm();
  EXPECT_NEAR(norm.item<double>(), 0.5, 1e-4);
}

TEST(Optimizer, ChangesNothingOnAGradientThatIsNotFinite) {
  torch::nn::Linear module(2, 1);
  Optimizer optimizer(*module, plain_config());
  const auto before = module->weight.clone();
  module->weight.mutable_grad() = at::full({1, 2}, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(std::isfinite(optimizer.step(1e-3)));
  EXPECT_TRUE(testing::bit_equal(module->weight, before));
}

TEST(LearningRate, WarmsUpThenFallsAlongACosineToZero) {
  OptimizerConfig config;
  config.learning_rate = 1.0;
  config.warmup_steps = 10;
  config.schedule = Schedule::kCosine;
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 0, 110), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 9, 110), 1.0);
  EXPECT_NEAR(learning_rate_at(config, 60, 110), 0.5, 1e-12);
  EXPECT_NEAR(learning_rate_at(config, 110, 110), 0.0, 1e-12);
  config.schedule = Schedule::kConstant;
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 100, 110), 1.0);
}

TEST(AveragedWeights, FollowQuicklyAtFirstAndSlowlyLater) {
  EXPECT_DOUBLE_EQ(ema_decay_at(0.9999, 0), 0.0);
  EXPECT_NEAR(ema_decay_at(0.9999, 15), 1.0 - std::pow(16.0, -0.75), 1e-12);
  EXPECT_DOUBLE_EQ(ema_decay_at(0.99, 1000000), 0.99);
}

TEST(AveragedWeights, AreTheDecayingMeanOfTheParameters) {
  torch::nn::Linear module(1, 1);
  AveragedWeights averages(*module, 0.5);
  const torch::NoGradGuard no_grad;
  module->weight.fill_(1.0);
  averages.update(1000);
  const double first = averages.state()[0].second.item<double>();
  module->weight.fill_(3.0);
  averages.update(1001);
  EXPECT_NEAR(averages.state()[0].second.item<double>(), 0.5 * first + 0.5 * 3.0, 1e-6);
}

}  // namespace
}  // namespace moca::training
