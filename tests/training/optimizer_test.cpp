#include "moca/training/optimizer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/small_model.h"

namespace moca::training {
namespace {

using testing::bit_equal;

double gradient_norm(const torch::nn::Linear& module) {
  return at::cat({module->weight.grad().flatten(), module->bias.grad()}).norm().item<double>();
}

TEST(Optimizer, ScalesGradientsDownToTheAllowedNorm) {
  auto module = with_gradient();
  auto config = plain_config();
  config.max_gradient_norm = 0.5;
  EXPECT_NEAR(Optimizer(*module, config).step(1e-3), 5.0, 1e-5) << "the norm before clipping";
  EXPECT_NEAR(gradient_norm(module), 0.5, 1e-4);
  EXPECT_NEAR(module->weight.grad()[0][0].item<double>(), 0.2, 1e-4) << "its direction changed";
}

TEST(Optimizer, LeavesGradientsWithinTheNormAndUnlimitedOnesAlone) {
  for (const double allowed : {5.1, 0.0}) {
    auto module = with_gradient();
    auto config = plain_config();
    config.max_gradient_norm = allowed;
    Optimizer(*module, config).step(1e-3);
    EXPECT_NEAR(gradient_norm(module), 5.0, 1e-5) << "allowed " << allowed;
  }
}

TEST(Optimizer, ChangesNothingOnAGradientThatIsNotFinite) {
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    auto module = with_gradient();
    Optimizer optimizer(*module, plain_config());
    const auto before = module->weight.clone();
    module->weight.mutable_grad().fill_(bad);
    EXPECT_FALSE(std::isfinite(optimizer.step(1e-3)));
    EXPECT_TRUE(bit_equal(module->weight, before));
    for (const auto& [name, tensor] : optimizer.state()) {
      EXPECT_EQ(tensor.abs().sum().item<double>(), 0.0) << name;
    }
  }
}

TEST(Optimizer, LeavesOutFrozenParameters) {
  auto module = with_gradient();
  module->bias.set_requires_grad(false);
  const auto before = module->bias.clone();
  Optimizer optimizer(*module, plain_config());
  optimizer.step(1e-2);
  EXPECT_TRUE(bit_equal(module->bias, before));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.state()) {
    names.push_back(name);
  }
  EXPECT_THAT(
      names, ::testing::UnorderedElementsAre("weight.exp_avg", "weight.exp_avg_sq", "weight.step"));
}

TEST(Optimizer, LeavesParametersAloneThatTookNoPart) {
  auto module = with_gradient();
  module->bias.mutable_grad().reset();
  const auto before = module->bias.clone();
  Optimizer optimizer(*module, plain_config());
  optimizer.step(1e-2);
  EXPECT_TRUE(bit_equal(module->bias, before)) << "decayed or moved";
  for (const auto& [name, tensor] : optimizer.state()) {
    if (name == "bias.step") {
      EXPECT_EQ(tensor.item<double>(), 0.0);
    }
  }
}

TEST(Optimizer, ContinuesFromItsStateToTheSameBits) {
  const testing::TemporaryFolder folder;
  auto module = with_gradient();
  Optimizer whole(*module, plain_config());
  whole.step(1e-2);
  checkpoint::write_safetensors(folder / "optimizer.safetensors", whole.state());
  auto resumed_module = with_gradient();
  {
    const torch::NoGradGuard no_grad;
    resumed_module->weight.copy_(module->weight);
    resumed_module->bias.copy_(module->bias);
  }
  Optimizer resumed(*resumed_module, plain_config());
  resumed.load(checkpoint::Weights(folder / "optimizer.safetensors"));
  whole.step(1e-2);
  resumed.step(1e-2);
  EXPECT_TRUE(bit_equal(resumed_module->weight, module->weight));
  EXPECT_TRUE(bit_equal(resumed_module->bias, module->bias));
}

TEST(Optimizer, RefusesTheStateOfAnotherModel) {
  const testing::TemporaryFolder folder;
  const torch::nn::Linear other(3, 1);
  checkpoint::write_safetensors(folder / "optimizer.safetensors",
                                Optimizer(*other, plain_config()).state());
  auto module = with_gradient();
  Optimizer optimizer(*module, plain_config());
  EXPECT_THAT(
      testing::refusal(
          [&] { optimizer.load(checkpoint::Weights(folder / "optimizer.safetensors")); }),
      ::testing::HasSubstr("'weight.exp_avg' has the shape [1, 3], the model expects [1, 2]"));
}

OptimizerConfig schedule(Schedule kind, int64_t warmup_steps) {
  OptimizerConfig config;
  config.learning_rate = 2.0;
  config.warmup_steps = warmup_steps;
  config.schedule = kind;
  return config;
}

TEST(LearningRate, WarmsUpInEqualStepsAndNeverFromZero) {
  for (const auto kind : {Schedule::kConstant, Schedule::kCosine}) {
    const auto config = schedule(kind, 10);
    for (int64_t step = 0; step < 10; ++step) {
      EXPECT_DOUBLE_EQ(learning_rate_at(config, step, 110),
                       0.2 * (static_cast<double>(step) + 1.0));
    }
  }
}

TEST(LearningRate, StaysConstantAfterWarmUp) {
  const auto config = schedule(Schedule::kConstant, 10);
  for (const int64_t step : {10, 50, 109, 1000}) {
    EXPECT_DOUBLE_EQ(learning_rate_at(config, step, 110), 2.0);
  }
}

TEST(LearningRate, FallsAlongACosineToZero) {
  const auto config = schedule(Schedule::kCosine, 10);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, 10, 110), 2.0);
  EXPECT_NEAR(learning_rate_at(config, 35, 110), 1.0 + std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(learning_rate_at(config, 60, 110), 1.0, 1e-12);
  EXPECT_NEAR(learning_rate_at(config, 85, 110), 1.0 - std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(learning_rate_at(config, 110, 110), 0.0, 1e-12);
  EXPECT_NEAR(learning_rate_at(config, 500, 110), 0.0, 1e-12) << "it rose again";
  for (int64_t step = 11; step < 110; ++step) {
    EXPECT_LT(learning_rate_at(config, step, 110), learning_rate_at(config, step - 1, 110));
    EXPECT_GT(learning_rate_at(config, step, 110), 0.0) << "the last step taken learns nothing";
  }
}

TEST(LearningRate, CanDoWithoutWarmUpAndWithNothingElse) {
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule(Schedule::kCosine, 0), 0, 10), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(schedule(Schedule::kCosine, 20), 9, 10), 1.0);
}

}  // namespace
}  // namespace moca::training
