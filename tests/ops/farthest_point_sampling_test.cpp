#include "moca/ops/farthest_point_sampling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "moca/core/generator.h"

namespace moca::ops {
namespace {

TEST(FarthestPointSampling, TakesTheEndsOfALineBeforeItsMiddle) {
  const auto x = at::tensor({0.1, 0.0, 0.4, 1.0, 0.6});
  const auto points = at::stack({x, at::zeros(5), at::zeros(5)}, -1).unsqueeze(0);
  const auto indices = farthest_point_sampling(points, 4);
  EXPECT_TRUE(at::equal(indices[0], at::tensor({0, 3, 4, 2}, at::kLong))) << indices;
}

TEST(FarthestPointSampling, EveryChosenPointWasFarthestFromThoseBefore) {
  const auto points = at::rand({3, 60, 3}, generator_for(1, "fps"), at::TensorOptions());
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

TEST(FarthestPointSampling, RefusesMorePointsThanThereAre) {
  EXPECT_THROW(farthest_point_sampling(at::zeros({1, 4, 3}), 5), c10::Error);
}

}  // namespace
}  // namespace moca::ops
