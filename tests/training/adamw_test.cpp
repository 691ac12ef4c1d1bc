// The optimiser that training.optimizer.name calls adamw.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/types.h>

#include "moca/training/optimizer.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/small_model.h"

namespace moca::training {
namespace {

using testing::all_close;

TEST(AdamW, TakesTheStepsOfTorchsAdamW) {
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

TEST(AdamW, FirstStepGoesOneLearningRateAgainstEverySign) {
  auto module = with_gradient();
  const auto before = module->weight.detach().clone();
  auto config = plain_config();
  config.weight_decay = 0.5;
  Optimizer(*module, config).step(0.125);
  // m / sqrt(v) is the gradient's sign after one step, whatever its size (Kingma and Ba 2015).
  const auto expected = before * (1 - 0.125 * 0.5) - 0.125 * at::tensor({1.0F, -1.0F});
  EXPECT_TRUE(all_close(module->weight, expected, 1e-6));
}

TEST(AdamW, DecaysWeightsWhoseGradientIsZero) {
  auto module = with_gradient();
  module->weight.mutable_grad().zero_();
  const auto before = module->weight.detach().clone();
  auto config = plain_config();
  config.weight_decay = 0.1;
  Optimizer(*module, config).step(0.5);
  EXPECT_TRUE(all_close(module->weight, 0.95 * before, 1e-6));
}

// Names and shapes of what checkpoints hold; those of earlier versions must be readable.
TEST(AdamW, KeepsTwoMomentsOfTheParametersShapeAndANumberOfSteps) {
  auto module = with_gradient();
  Optimizer optimizer(*module, plain_config());
  optimizer.step(1e-2);
  optimizer.step(1e-2);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.state()) {
    names.push_back(name);
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    if (name == "weight.exp_avg" || name == "weight.exp_avg_sq") {
      EXPECT_EQ(tensor.sizes(), at::IntArrayRef({1, 2})) << name;
    }
    if (name == "weight.step") {
      EXPECT_EQ(tensor.dim(), 0);
      EXPECT_EQ(tensor.item<double>(), 2.0);
    }
  }
  EXPECT_THAT(names, ::testing::ElementsAre("weight.exp_avg", "weight.exp_avg_sq", "weight.step",
                                            "bias.exp_avg", "bias.exp_avg_sq", "bias.step"));
}

}  // namespace
}  // namespace moca::training
