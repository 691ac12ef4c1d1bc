#include "moca/ops/farthest_point_sampling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::farthest_point_sampling_test {
namespace {

using testing::bit_equal;
using testing::on_device;

TEST(FarthestPointSampling, TakesTheEndsOfALineBeforeItsMiddle) {
  const auto x = at::tensor({0.1, 0.0, 0.4, 1.0, 0.6});
  const auto points = on_device(at::stack({x, at::zeros(5), at::zeros(5)}, -1).unsqueeze(0));
  const auto indices = farthest_point_sampling(points, 4);
  EXPECT_TRUE(bit_equal(indices[0], at::tensor({0, 3, 4, 2}, at::kLong)));
}

TEST(FarthestPointSampling, EveryChosenPointWasFarthestFromThoseBefore) {
  const auto points = on_device(at::rand({3, 60, 3}, generator_for(1, "fps"), at::TensorOptions()));
  const auto indices = farthest_point_sampling(points, 10);
  for (int64_t set = 0; set < 3; ++set) {
    for (int64_t count = 1; count < 10; ++count) {
      const auto chosen = points[set].index_select(0, indices[set].narrow(0, 0, count));
      const auto distance = std::get<0>(at::cdist(points[set], chosen).min(1));
      EXPECT_NEAR(distance.max().item<double>(),
                  distance[indices[set][count].item<int64_t>()].item<double>(), 1e-6);
    }
  }
}

at::Tensor draw_points(int64_t n, int64_t P) {
  return on_device(at::rand({n, P, 3}, generator_for(2, "fps"), at::TensorOptions()));
}

TEST(FarthestPointSampling, OfAllPointsIsAPermutationThatBeginsWithTheFirst) {
  const auto indices = farthest_point_sampling(draw_points(4, 33), 33);
  EXPECT_TRUE(bit_equal(std::get<0>(indices.sort(1)), at::arange(33).expand({4, 33})));
  EXPECT_TRUE((indices.select(1, 0) == 0).all().item<bool>());
}

TEST(FarthestPointSampling, OfFewerPointsIsTheBeginningOfTheSameOrder) {
  const auto points = draw_points(2, 50);
  EXPECT_TRUE(bit_equal(farthest_point_sampling(points, 7),
                        farthest_point_sampling(points, 30).narrow(1, 0, 7).contiguous()));
}

TEST(FarthestPointSampling, TreatsEverySetByItself) {
  const auto points = draw_points(5, 40);
  const auto together = farthest_point_sampling(points, 12);
  for (int64_t set = 0; set < 5; ++set) {
    EXPECT_TRUE(bit_equal(farthest_point_sampling(points.narrow(0, set, 1), 12)[0], together[set]));
  }
}

TEST(FarthestPointSampling, IgnoresScaleMirroringAndTheOrderOfTheAxes) {
  const auto points = draw_points(2, 60);
  const auto expected = farthest_point_sampling(points, 20);
  // By powers of two, so that no distance is rounded another way.
  EXPECT_TRUE(bit_equal(farthest_point_sampling(points * 8.0, 20), expected));
  EXPECT_TRUE(bit_equal(farthest_point_sampling(-points, 20), expected));
  EXPECT_TRUE(bit_equal(farthest_point_sampling(points.flip({2}).contiguous(), 20), expected));
}

TEST(FarthestPointSampling, ReadsOtherTypesAndLayouts) {
  const auto points = draw_points(2, 40);
  const auto expected = farthest_point_sampling(points, 10);
  EXPECT_TRUE(bit_equal(farthest_point_sampling(points.to(at::kDouble), 10), expected));
  const auto strided = points.transpose(1, 2).contiguous().transpose(1, 2);
  ASSERT_FALSE(strided.is_contiguous());
  EXPECT_TRUE(bit_equal(farthest_point_sampling(strided, 10), expected));
}

TEST(FarthestPointSampling, TakesTheFirstOfEqualPoints) {
  EXPECT_TRUE(bit_equal(farthest_point_sampling(on_device(at::ones({1, 5, 3})), 3),
                        at::zeros({1, 3}, at::kLong)));
  // Points 1 and 2 are equally far from point 0; then point 2 is the farthest.
  const auto points = on_device(
      at::tensor({0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.5, 0.0, 0.0}, at::kFloat)
          .view({1, 4, 3}));
  EXPECT_TRUE(
      bit_equal(farthest_point_sampling(points, 4)[0], at::tensor({0, 1, 2, 3}, at::kLong)));
}

// Gonzalez 1985: no choice of as many points covers the set with less than half the radius.
TEST(FarthestPointSampling, CoversWithinTwiceTheBestRadius) {
  const auto points = draw_points(1, 12);
  const auto distance = at::cdist(points[0], points[0]);
  const auto radius = [&](const at::Tensor& chosen) {
    return std::get<0>(distance.index_select(1, chosen).min(1)).max().item<double>();
  };
  double best = 1e9;
  for (int64_t i = 0; i < 12; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      for (int64_t k = 0; k < j; ++k) {
        best = std::min(best, radius(on_device(at::tensor({i, j, k}, at::kLong))));
      }
    }
  }
  EXPECT_LE(radius(farthest_point_sampling(points, 3)[0]), 2 * best + 1e-6);
}

TEST(FarthestPointSampling, NamesPointsThatAreThereWhateverTheirNumbers) {
  constexpr int64_t kPoints = 600;
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL, 3e38}) {
    auto points = draw_points(4, kPoints);
    points[0][0][0] = value;
    points[1][kPoints - 1] = value;
    points[2].narrow(0, 0, kPoints / 2).fill_(value);
    points[3].fill_(value);
    const auto indices = farthest_point_sampling(points, 40);
    EXPECT_TRUE(((indices >= 0) & (indices < kPoints)).all().item<bool>()) << value;
  }
}

TEST(FarthestPointSampling, RefusesWrongShapesAndCounts) {
  EXPECT_THROW(farthest_point_sampling(at::zeros({1, 4, 3}), 5), c10::Error);
  EXPECT_THROW(farthest_point_sampling(at::zeros({1, 4, 3}), 0), c10::Error);
  EXPECT_THROW(farthest_point_sampling(at::zeros({4, 3}), 1), c10::Error);
  try {
    farthest_point_sampling(at::zeros({1, 4, 2}), 1);
    FAIL() << "points in the plane were accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("points [n, P, 3], got [1, 4, 2]"), std::string::npos);
  }
}

}  // namespace
}  // namespace moca::ops::farthest_point_sampling_test
