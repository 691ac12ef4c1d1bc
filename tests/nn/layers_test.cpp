#include "moca/nn/layers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/core/generator.h"
#include "moca/nn/autocast.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::nn {
namespace {

using testing::all_close;
using testing::bit_equal;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index = 0) {
  return at::randn(sizes, generator_for(4, "layers test", 0, index), at::TensorOptions());
}

// Gives a norm weights (and a bias) that are not the neutral ones.
template <typename Norm>
Norm with_drawn_weights(Norm norm, int64_t width) {
  const torch::NoGradGuard no_grad;
  uint64_t index = 10;
  for (auto& parameter : norm->parameters()) {
    parameter.copy_(draw({width}, index++));
  }
  return norm;
}

TEST(LayerNorm, IsTheStandardScoreTimesWeightPlusBias) {
  auto norm = with_drawn_weights(LayerNorm(12, 1e-5), 12);
  const auto input = draw({3, 4, 12}) * 3.0 + 1.0;
  const auto parameters = norm->named_parameters();
  const auto mean = input.mean(-1, true);
  const auto variance = (input - mean).square().mean(-1, true);
  EXPECT_TRUE(all_close(
      norm(input),
      (input - mean) / (variance + 1e-5).sqrt() * parameters["weight"] + parameters["bias"], 1e-5));
}

TEST(LayerNorm, IgnoresAShiftAndAScaleOfItsInput) {
  auto norm = with_drawn_weights(LayerNorm(32, 1e-12), 32);
  const auto input = draw({5, 32});
  EXPECT_TRUE(all_close(norm(input * 7.0 - 3.0), norm(input), 1e-4));
}

TEST(RmsNorm, IsTheInputOverItsRootMeanSquareTimesWeight) {
  auto norm = with_drawn_weights(RmsNorm(12, 1e-6), 12);
  const auto input = draw({3, 4, 12}) * 3.0 + 1.0;
  const auto root = (input.square().mean(-1, true) + 1e-6).sqrt();
  EXPECT_TRUE(all_close(norm(input), input / root * norm->named_parameters()["weight"], 1e-5));
}

TEST(RmsNorm, IgnoresAScaleButNotAShiftOfItsInput) {
  auto norm = RmsNorm(32, 1e-12);
  const auto input = draw({5, 32});
  EXPECT_TRUE(all_close(norm(input * 7.0), norm(input), 1e-5));
  EXPECT_FALSE(all_close(norm(input + 3.0), norm(input), 1e-1));
  // Untrained, it gives every row the same length: sqrt(width).
  EXPECT_TRUE(all_close(norm(input).norm(2, -1), at::full({5}, std::sqrt(32.0)), 1e-5));
}

TEST(Norms, GiveNothingForNothing) {
  const auto zeros = at::zeros({2, 8});
  EXPECT_TRUE(bit_equal(RmsNorm(8)(zeros), zeros));
  EXPECT_TRUE(bit_equal(LayerNorm(8)(zeros), zeros));
}

TEST(Norms, WorkInFloatAndAnswerInTheTypeOfTheInput) {
  auto layer_norm = with_drawn_weights(LayerNorm(64), 64);
  auto rms_norm = with_drawn_weights(RmsNorm(64), 64);
  const auto input = (draw({6, 64}) * 20.0).to(at::kBFloat16);
  const auto check = [&](auto& norm) {
    const auto output = norm(input);
    EXPECT_EQ(output.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(bit_equal(output, norm(input.to(at::kFloat)).to(at::kBFloat16)));
  };
  check(layer_norm);
  check(rms_norm);
}

TEST(Norms, HaveTheSameNumbersWithoutGradients) {
  const auto check = [](auto norm, const at::Tensor& input, double tolerance) {
    const auto expected = norm(input).detach();
    const torch::NoGradGuard no_grad;
    EXPECT_EQ(norm(input).scalar_type(), input.scalar_type());
    EXPECT_TRUE(all_close(norm(input), expected, tolerance)) << norm->name();
  };
  const auto input = draw({6, 64}) * 20.0;
  for (const auto type : {at::kFloat, at::kBFloat16}) {  // of the weights
    const auto typed = [&](auto norm) {
      norm->to(type);
      return norm;
    };
    check(typed(with_drawn_weights(LayerNorm(64), 64)), input.to(at::kBFloat16), 1.0 / 128);
    check(typed(with_drawn_weights(RmsNorm(64), 64)), input.to(at::kBFloat16), 1.0 / 128);
  }
  check(with_drawn_weights(LayerNorm(64), 64), input, 1e-6);
  check(with_drawn_weights(RmsNorm(64), 64), input, 1e-6);
}

TEST(Norms, HaveTheNumbersOfFloatUnderAutocastAndInTheirGradients) {
  const auto tokens = (draw({3000, 64}) * 20.0).to(at::kBFloat16), slope = draw({3000, 64}, 1);
  // Output and gradients of input, weight and bias.
  const auto outcome = [&](auto& norm, at::ScalarType type) {
    const Autocast autocast(testing::device(), type != at::kFloat);
    auto inputs = norm->parameters();
    inputs.push_back(testing::on_device(tokens).to(type).requires_grad_());
    const auto output = norm(inputs.back());
    EXPECT_EQ(output.scalar_type(), type);
    auto found = torch::autograd::grad({(output * testing::on_device(slope)).sum()}, inputs);
    found.push_back(output);
    return found;
  };
  const auto check = [&](auto norm) {
    norm->to(testing::device());
    const auto found = outcome(norm, at::kBFloat16), expected = outcome(norm, at::kFloat);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(all_close(found[i], expected[i], 1.0 / 128)) << norm->name() << " " << i;
    }
  };
  check(with_drawn_weights(LayerNorm(64), 64));
  check(with_drawn_weights(RmsNorm(64), 64));
}

// d/dx of w . x / r with r = sqrt(mean(x^2)): w / r - x (w . x) / (n r^3).
TEST(RmsNorm, HasTheGradientOfTheFormula) {
  auto norm = RmsNorm(16, 0.0);
  const auto weights = draw({16}, 1);
  const auto input = draw({16}).requires_grad_();
  const auto gradient = torch::autograd::grad({(norm(input) * weights).sum()}, {input})[0];
  const auto x = input.detach();
  const auto root = x.square().mean().sqrt();
  const auto expected = weights / root - x * (weights * x).sum() / (16.0 * root.pow(3));
  EXPECT_TRUE(all_close(gradient, expected, 1e-5));
}

// The gradient of a layer norm has no part along the input's mean or along its standard score.
TEST(LayerNorm, HasAGradientThatMovesNeitherMeanNorSpread) {
  auto norm = LayerNorm(16, 1e-12);
  const auto input = draw({16}).requires_grad_();
  const auto gradient = torch::autograd::grad({(norm(input) * draw({16}, 1)).sum()}, {input})[0];
  EXPECT_GT(gradient.abs().max().item<double>(), 0.1);
  EXPECT_NEAR(gradient.sum().item<double>(), 0.0, 1e-5);
  EXPECT_NEAR((gradient * norm(input)).sum().item<double>(), 0.0, 1e-5);
}

TEST(FeedForward, IsTwoLinearLayersAroundAGeluUnderTheKeysOfDiffusers) {
  torch::manual_seed(2);
  auto layer = FeedForward(6, 3);
  const auto parameters = layer->named_parameters();
  EXPECT_EQ(parameters.size(), 4U);
  EXPECT_EQ(parameters["net.0.proj.weight"].sizes(), (at::IntArrayRef{18, 6}));
  EXPECT_EQ(parameters["net.2.weight"].sizes(), (at::IntArrayRef{6, 18}));
  const auto input = draw({4, 5, 6});
  const auto wide =
      at::linear(input, parameters["net.0.proj.weight"], parameters["net.0.proj.bias"]);
  const auto activated = 0.5 * wide * (1.0 + at::erf(wide / std::sqrt(2.0)));
  EXPECT_TRUE(all_close(layer(input),
                        at::linear(activated, parameters["net.2.weight"], parameters["net.2.bias"]),
                        1e-6));
}

TEST(FeedForward, TreatsEveryTokenByItself) {
  torch::manual_seed(2);
  auto layer = FeedForward(6);
  const auto input = draw({1, 5, 6});
  auto changed = input.clone();
  changed.select(1, 3).add_(1.0);
  const auto differs = (layer(input) != layer(changed)).any(-1)[0];  // [5]
  EXPECT_TRUE(at::equal(differs, at::tensor({0, 0, 0, 1, 0}, at::kInt).to(at::kBool)));
}

TEST(FeedForward, HasTheGradientOfItsValuesInDoublePrecision) {
  torch::manual_seed(2);
  auto layer = FeedForward(6);
  layer->to(at::kDouble);
  const auto weights = draw({4, 6}, 1).to(at::kDouble);
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& input) { return (layer(input) * weights).sum(); },
      draw({4, 6}).to(at::kDouble)));
}

}  // namespace
}  // namespace moca::nn
