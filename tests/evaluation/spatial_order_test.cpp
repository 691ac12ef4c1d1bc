#include "src/evaluation/spatial_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "test_shapes.h"

namespace moca::evaluation {
namespace {

using mesh::Vec3;

TEST(SpatialOrder, HoldsEveryIndexOnce) {
  auto order = spatial_order(moca::testing::random_points(1000, 1));
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> all(1000);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(order, all);
}

TEST(SpatialOrder, FollowsTheZCurveWithXTheFastest) {
  std::vector<Vec3> corners;  // of a cube, the last along the curve first
  for (int corner = 7; corner >= 0; --corner) {
    corners.emplace_back(corner % 2, corner / 2 % 2, corner / 4);
  }
  EXPECT_EQ(spatial_order(corners), (std::vector<uint32_t>{7, 6, 5, 4, 3, 2, 1, 0}));
}

TEST(SpatialOrder, PutsNeighboursInSpaceBesideOneAnother) {
  const auto points = moca::testing::random_points(4000, 2);
  const auto order = spatial_order(points);
  double along_order = 0, along_list = 0;
  for (size_t i = 1; i < points.size(); ++i) {
    along_order += (points[order[i]] - points[order[i - 1]]).norm();
    along_list += (points[i] - points[i - 1]).norm();
  }
  EXPECT_LT(along_order, 0.2 * along_list);
}

TEST(SpatialOrder, KeepsTheOrderOfPointsInOnePlace) {
  EXPECT_EQ(spatial_order(std::vector<Vec3>(4, Vec3(1, 2, 3))),
            (std::vector<uint32_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace moca::evaluation
