#include "moca/training/averaged_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <map>

#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::training {
namespace {

using testing::all_close;
using testing::bit_equal;

std::map<std::string, at::Tensor> by_name(const checkpoint::NamedTensors& state) {
  return {state.begin(), state.end()};
}

// The model's parameters after `step` steps of some training.
void set_weights(torch::nn::Linear& module, int64_t step) {
  const torch::NoGradGuard no_grad;
  module->weight.fill_(std::sin(static_cast<double>(step)));
  module->bias.fill_(static_cast<double>(step));
}

TEST(AveragedWeights, FollowQuicklyAtFirstAndSlowlyLater) {
  EXPECT_DOUBLE_EQ(ema_decay_at(0.9999, 0), 0.0);
  EXPECT_NEAR(ema_decay_at(0.9999, 15), 1.0 - std::pow(16.0, -0.75), 1e-12);
  EXPECT_DOUBLE_EQ(ema_decay_at(0.99, 1000000), 0.99);
  for (int64_t step = 1; step < 1000; ++step) {
    EXPECT_GE(ema_decay_at(0.999, step), ema_decay_at(0.999, step - 1));
  }
}

TEST(AveragedWeights, AreTheDecayingMeanComputedDirectly) {
  torch::nn::Linear module(2, 1);
  AveragedWeights averages(*module, {0.8});
  double weight = 0;
  double bias = 0;
  for (int64_t step = 0; step < 30; ++step) {
    set_weights(module, step);
    averages.update(step);
    const double decay = std::min(0.8, 1.0 - std::pow(1.0 + static_cast<double>(step), -0.75));
    weight = decay * weight + (1.0 - decay) * std::sin(static_cast<double>(step));
    bias = decay * bias + (1.0 - decay) * static_cast<double>(step);
    const auto state = by_name(averages.state());
    EXPECT_TRUE(all_close(state.at("weight"), at::full({1, 2}, weight), 1e-5)) << step;
    EXPECT_TRUE(all_close(state.at("bias"), at::full({1}, bias), 1e-5)) << step;
  }
}

TEST(AveragedWeights, BeginAsTheModelAndLeaveItAlone) {
  torch::nn::Linear module(2, 1);
  set_weights(module, 2);
  AveragedWeights averages(*module, {0.5});
  EXPECT_TRUE(bit_equal(by_name(averages.state()).at("bias"), module->bias));
  set_weights(module, 4);
  averages.update(100);
  EXPECT_FALSE(at::equal(by_name(averages.state()).at("bias"), module->bias));
  EXPECT_EQ(module->bias.item<double>(), 4.0) << "averaging changed the model";
}

TEST(AveragedWeights, ChangePlacesWithTheTrainedWeightsAndBack) {
  torch::nn::Linear module(2, 1);
  set_weights(module, 2);
  AveragedWeights averages(*module, {0.5});
  set_weights(module, 4);
  averages.update(100);  // halfway from 2 to 4
  averages.exchange();
  EXPECT_EQ(module->bias.item<double>(), 3.0) << "the model does not hold the averages";
  EXPECT_EQ(by_name(averages.state()).at("bias").item<double>(), 4.0);
  averages.exchange();
  EXPECT_EQ(module->bias.item<double>(), 4.0) << "the trained weights are lost";
  EXPECT_EQ(by_name(averages.state()).at("bias").item<double>(), 3.0);
}

TEST(AveragedWeights, TakeBuffersAndFrozenParametersAsTheyAreNow) {
  torch::nn::BatchNorm1d module(2);
  module->bias.set_requires_grad(false);
  AveragedWeights averages(*module, {0.5});
  {
    const torch::NoGradGuard no_grad;
    module->weight.fill_(3.0);
    module->bias.fill_(3.0);
    module->running_mean.fill_(3.0);
  }
  averages.update(1000);
  const auto state = by_name(averages.state());
  EXPECT_TRUE(all_close(state.at("weight"), at::full({2}, 2.0), 1e-6)) << "halfway from 1 to 3";
  EXPECT_TRUE(bit_equal(state.at("bias"), at::full({2}, 3.0)));
  EXPECT_TRUE(bit_equal(state.at("running_mean"), at::full({2}, 3.0)));
}

TEST(AveragedWeights, ContinueFromAFileToTheSameBits) {
  const testing::TemporaryFolder folder;
  torch::nn::Linear module(2, 1);
  AveragedWeights whole(*module, {0.8});
  for (int64_t step = 0; step < 5; ++step) {
    set_weights(module, step);
    whole.update(step);
  }
  checkpoint::write_safetensors(folder / "ema.safetensors", whole.state());
  AveragedWeights resumed(*module, {0.8});
  resumed.load(checkpoint::Weights(folder / "ema.safetensors"));
  for (int64_t step = 5; step < 8; ++step) {
    set_weights(module, step);
    whole.update(step);
    resumed.update(step);
  }
  const auto expected = by_name(whole.state());
  for (const auto& [name, tensor] : resumed.state()) {
    EXPECT_TRUE(bit_equal(tensor, expected.at(name))) << name;
  }
}

}  // namespace
}  // namespace moca::training
