#include "moca/training/parameter_groups.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "moca/training/optimizer.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"

namespace moca::training {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

const std::vector<std::string> kNames = {"0.weight", "0.bias", "1.weight", "1.bias"};

torch::nn::Sequential two_layers() {
  torch::manual_seed(1);
  return torch::nn::Sequential(torch::nn::Linear(3, 3), torch::nn::Linear(3, 2));
}

TEST(ParameterGroups, AStarStandsForAnyText) {
  EXPECT_TRUE(matches("dit.blocks.11.router.to_q.weight", "dit.blocks.*.router.*"));
  EXPECT_TRUE(matches("0.bias", "*.bias"));
  EXPECT_FALSE(matches("0.bias", "bias"));
  EXPECT_FALSE(matches("0.bias", "1.*"));
}

TEST(ParameterGroups, WithoutPatternsAllHaveTheSameOptions) {
  OptimizerConfig config;
  config.weight_decay = 0.03;
  const ParameterOptions plain{1.0, 0.03};
  EXPECT_THAT(options_of(kNames, config), ElementsAre(plain, plain, plain, plain));
}

TEST(ParameterGroups, TheLastPatternThatMatchesCounts) {
  OptimizerConfig config;
  config.weight_decay = 0.03;
  config.no_weight_decay = {"*.bias"};
  config.learning_rate_factors = {"1.*=10", "1.bias=0.5"};
  EXPECT_THAT(options_of(kNames, config),
              ElementsAre(ParameterOptions{1.0, 0.03}, ParameterOptions{1.0, 0.0},
                          ParameterOptions{10.0, 0.03}, ParameterOptions{0.5, 0.0}));
}

TEST(ParameterGroups, APatternThatMatchesNothingIsRefused) {
  OptimizerConfig config;
  config.no_weight_decay = {"*.biases"};
  EXPECT_THAT(refusal([&] { options_of(kNames, config); }),
              ::testing::AllOf(HasSubstr("no_weight_decay"), HasSubstr("'*.biases'"),
                               HasSubstr("like '0.weight'")));
  config = {};
  config.learning_rate_factors = {"1.*"};
  EXPECT_THAT(refusal([&] { options_of(kNames, config); }), HasSubstr("no pattern and factor"));
  config = {};
  config.frozen = {"2.*"};
  auto model = two_layers();
  EXPECT_THAT(refusal([&] { freeze(*model, config); }), HasSubstr("'2.*'"));
  config.frozen = {"*"};
  EXPECT_THAT(refusal([&] { freeze(*model, config); }), HasSubstr("leaves no parameter"));
}

// One step of AdamW with the same gradient everywhere.
torch::nn::Sequential after_a_step(const OptimizerConfig& config) {
  auto model = two_layers();
  freeze(*model, config);
  Optimizer optimizer(*model, config);
  for (const auto& parameter : optimizer.parameters()) {
    parameter.mutable_grad() = at::ones_like(parameter);
  }
  optimizer.step(1e-2);
  return model;
}

TEST(ParameterGroups, FrozenParametersStayAndFactorsScaleTheStep) {
  OptimizerConfig config;
  config.weight_decay = 0;
  config.max_gradient_norm = 0;
  config.frozen = {"0.weight"};
  config.learning_rate_factors = {"1.weight=3"};
  const auto before = two_layers(), after = after_a_step(config);
  const auto moved = [&](const char* name) {
    return (after->named_parameters()[name] - before->named_parameters()[name])
        .abs()
        .mean()
        .item<double>();
  };
  EXPECT_EQ(moved("0.weight"), 0.0);
  EXPECT_NEAR(moved("0.bias"), 1e-2, 1e-6);  // AdamW's first step is the learning rate long
  EXPECT_NEAR(moved("1.weight"), 3e-2, 1e-6);
  EXPECT_FALSE(after->named_parameters()["0.weight"].requires_grad());
}

TEST(ParameterGroups, WeightDecayIsLeftOutWhereToldSo) {
  OptimizerConfig config;
  config.max_gradient_norm = 0;
  config.weight_decay = 0.5;
  config.no_weight_decay = {"*.bias"};
  auto without = config;
  without.weight_decay = 0;
  const auto decayed = after_a_step(config), plain = after_a_step(without);
  EXPECT_TRUE(testing::bit_equal(decayed->named_parameters()["1.bias"],
                                 plain->named_parameters()["1.bias"]));
  EXPECT_FALSE(
      at::equal(decayed->named_parameters()["1.weight"], plain->named_parameters()["1.weight"]));
}

}  // namespace
}  // namespace moca::training
