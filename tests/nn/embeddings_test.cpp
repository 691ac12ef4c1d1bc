#include "moca/nn/embeddings.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "moca/core/generator.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/tensor_matchers.h"

namespace moca::nn {
namespace {

using testing::all_close;
using testing::bit_equal;

at::Tensor draw_points(at::IntArrayRef sizes) {
  return at::rand(sizes, generator_for(1, "embeddings test"),
                  at::TensorOptions().dtype(at::kDouble)) *
             2.0 -
         1.0;
}

TEST(EmbedPoints, ListsThePointThenSinesThenCosinesCoordinateByCoordinate) {
  const auto embedded = embed_points(at::tensor({0.1, 0.2, 0.3}, at::kDouble), 2, false);
  std::vector<double> expected = {0.1, 0.2, 0.3};
  for (const double x : {0.1, 0.2, 0.3}) {
    expected.push_back(std::sin(x));
    expected.push_back(std::sin(2 * x));
  }
  for (const double x : {0.1, 0.2, 0.3}) {
    expected.push_back(std::cos(x));
    expected.push_back(std::cos(2 * x));
  }
  EXPECT_TRUE(all_close(embedded, at::tensor(expected, at::kDouble), 1e-12));
}

TEST(EmbedPoints, WithPiHasTheUnitCubesPeriod) {
  const auto points = draw_points({20, 3});
  // Frequencies pi, 2 pi, 4 pi: a step of 2 changes nothing but the point itself.
  const auto before = embed_points(points, 3, true);
  const auto after = embed_points(points + 2.0, 3, true);
  EXPECT_TRUE(all_close(after.narrow(1, 3, 18), before.narrow(1, 3, 18), 1e-12));
  const auto expected = at::sin(points.select(1, 0) * 4 * std::numbers::pi);
  EXPECT_TRUE(all_close(before.select(1, 5), expected, 1e-12));
}

TEST(EmbedPoints, PairsSinesWithTheirCosines) {
  const auto embedded = embed_points(draw_points({2, 5, 3}), 4, false);
  ASSERT_EQ(embedded.sizes(), (at::IntArrayRef{2, 5, embedded_point_width(4)}));
  EXPECT_EQ(embedded_point_width(4), 27);
  const auto squares = embedded.narrow(2, 3, 12).square() + embedded.narrow(2, 15, 12).square();
  EXPECT_TRUE(all_close(squares, at::ones_like(squares), 1e-12));
}

TEST(EmbedPoints, WithoutFrequenciesIsThePoint) {
  const auto points = draw_points({7, 3});
  EXPECT_TRUE(bit_equal(embed_points(points, 0, true), points));
}

TEST(EmbedPoints, HasTheGradientOfItsValues) {
  const auto weights = draw_points({4, 27});
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& points) { return (embed_points(points, 4, true) * weights).sum(); },
      draw_points({4, 3}), 1e-6));
}

TEST(EmbedPoints, RefusesPointsThatAreNotInSpace) {
  try {
    embed_points(at::zeros({4, 2}), 3, false);
    FAIL() << "points in the plane were accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("points [..., 3], got [4, 2]"), std::string::npos);
  }
}

TEST(EmbedNoiseLevel, StartsAtSinesOfZeroAndRunsThroughFrequenciesFromOneDownwards) {
  const auto embedded = embed_noise_level(at::tensor({0.0, 0.001}), 8);
  EXPECT_TRUE(
      bit_equal(embedded[0], at::tensor({0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0}, at::kFloat)));
  // Noise level 0.001 is timestep 1; the frequencies are 10000^(-i / 4).
  for (int64_t i = 0; i < 4; ++i) {
    const double frequency = std::pow(10000.0, -static_cast<double>(i) / 4.0);
    EXPECT_NEAR(embedded[1][i].item<double>(), std::sin(frequency), 1e-6);
    EXPECT_NEAR(embedded[1][4 + i].item<double>(), std::cos(frequency), 1e-6);
  }
}

TEST(EmbedNoiseLevel, TellsNeighbouringTimestepsApart) {
  const auto embedded = embed_noise_level(at::arange(0, 1001, at::kFloat) / 1000.0, 64);
  const auto step = (embedded.narrow(0, 1, 1000) - embedded.narrow(0, 0, 1000)).norm(2, -1);
  EXPECT_GT(step.min().item<double>(), 0.5);
}

TEST(EmbedNoiseLevel, IsInFloatWhateverTheType) {
  EXPECT_EQ(embed_noise_level(at::full({1}, 0.5, at::kBFloat16), 4).scalar_type(), at::kFloat);
  EXPECT_EQ(embed_noise_level(at::tensor({0.5}, at::kDouble), 4).scalar_type(), at::kFloat);
}

TEST(EmbedNoiseLevel, RefusesAnOddWidthAndAWrongRank) {
  EXPECT_THROW(embed_noise_level(at::zeros({2}), 7), c10::Error);
  EXPECT_THROW(embed_noise_level(at::zeros({2, 1}), 8), c10::Error);
}

TEST(TimeProjection, WidensFourfoldAroundAnExactGelu) {
  torch::manual_seed(5);
  auto projection = TimeProjection(4);
  const auto parameters = projection->named_parameters();
  EXPECT_EQ(parameters["linear_1.weight"].sizes(), (at::IntArrayRef{16, 4}));
  EXPECT_EQ(parameters["linear_2.weight"].sizes(), (at::IntArrayRef{4, 16}));
  const auto input = at::randn({3, 4});
  const auto wide = at::linear(input, parameters["linear_1.weight"], parameters["linear_1.bias"]);
  const auto activated = 0.5 * wide * (1.0 + at::erf(wide / std::sqrt(2.0)));
  EXPECT_TRUE(all_close(
      projection(input),
      at::linear(activated, parameters["linear_2.weight"], parameters["linear_2.bias"]), 1e-6));
}

}  // namespace
}  // namespace moca::nn
