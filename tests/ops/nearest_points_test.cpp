#include "moca/ops/nearest_points.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <tuple>
#include <utility>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::nearest_points_test {
namespace {

using testing::bit_equal;
using testing::on_device;

at::Tensor draw_points(int64_t count, uint64_t seed) {
  return at::rand({count, 3}, generator_for(seed, "points"), at::TensorOptions());
}

TEST(NearestPoints, AreThoseOfTheLeastDistanceAmongAllPairs) {
  for (const auto& [P, Q] : {std::pair<int64_t, int64_t>(1, 1), {5, 300}, {700, 257}, {513, 512}}) {
    const auto queries = draw_points(P, 1), points = draw_points(Q, 2);
    const auto nearest = nearest_points(on_device(queries), on_device(points)).cpu();
    const auto found = (points.index_select(0, nearest) - queries).norm(2, 1);
    const auto pairs = (queries.unsqueeze(1) - points.unsqueeze(0)).norm(2, 2);
    const auto expected = std::get<0>(pairs.min(1));
    EXPECT_LE((found - expected).abs().max().item<float>(), 1e-6) << P << " x " << Q;
  }
}

TEST(NearestPoints, AreTheSameOnEveryDevice) {
  const auto lattice = [](int64_t count, uint64_t seed) {
    return at::round(draw_points(count, seed) * 8.0);  // many equally near
  };
  const auto queries = lattice(3000, 3), points = lattice(2000, 4);
  EXPECT_TRUE(bit_equal(nearest_points(on_device(queries), on_device(points)).cpu(),
                        nearest_points(queries, points)));
}

TEST(NearestPoints, OfEquallyNearPointsAreTheFirst) {
  const auto points =
      at::tensor({2.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F}).view({2, 3}).repeat({300, 1});
  const auto nearest = nearest_points(on_device(at::zeros({4, 3})), on_device(points)).cpu();
  EXPECT_TRUE(bit_equal(nearest, at::ones({4}, at::kLong)));
}

TEST(NearestPoints, OfNoQueryAreNone) {
  EXPECT_EQ(nearest_points(at::zeros({0, 3}), at::zeros({2, 3})).numel(), 0);
}

TEST(NearestPoints, RefusesWhatAreNoPointsOrLieOnTwoDevices) {
  EXPECT_THROW(nearest_points(at::zeros({2, 2}), at::zeros({2, 3})), c10::Error);
  EXPECT_THROW(nearest_points(at::zeros({2, 3}), at::zeros({0, 3})), c10::Error);
  EXPECT_THROW(nearest_points(at::zeros({2, 3}), at::zeros({2, 3}, at::kDouble)), c10::Error);
  EXPECT_THROW(nearest_points(at::zeros({2, 3}), at::zeros({2, 3}, at::kMeta)), c10::Error);
}

}  // namespace
}  // namespace moca::ops::nearest_points_test
