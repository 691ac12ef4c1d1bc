#include "src/mesh/closest_point.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <array>
#include <limits>
#include <random>

namespace moca::mesh {
namespace {

Vec3 draw(std::mt19937_64& engine, float reach) {
  const auto coordinate = [&] {
    return reach * (2.0F * static_cast<float>(engine() >> 40) * 0x1p-24F - 1.0F);
  };
  const float x = coordinate();
  const float y = coordinate();
  return {x, y, coordinate()};
}

// The smallest distance over a lattice of points of the triangle.
float brute_force_distance(const Vec3& p, const Vec3& a, const Vec3& b, const Vec3& c) {
  constexpr int kSteps = 60;
  float nearest = std::numeric_limits<float>::infinity();
  for (int i = 0; i <= kSteps; ++i) {
    for (int j = 0; i + j <= kSteps; ++j) {
      const Vec3 on = a + (b - a) * (static_cast<float>(i) / kSteps) +
                      (c - a) * (static_cast<float>(j) / kSteps);
      nearest = std::min(nearest, (on - p).norm());
    }
  }
  return nearest;
}

TEST(ClosestPoint, IsNoFartherThanAnyPointOfTheTriangle) {
  std::mt19937_64 engine(1);
  for (int trial = 0; trial < 300; ++trial) {
    const Vec3 a = draw(engine, 1);
    const Vec3 b = draw(engine, 1);
    const Vec3 c = draw(engine, 1);
    const Vec3 p = draw(engine, 2);
    const float distance = (closest_point_on_triangle(p, a, b, c) - p).norm();
    const float sampled = brute_force_distance(p, a, b, c);
    EXPECT_LE(distance, sampled + 1e-6F);
    // The lattice is at most 3.5 / 60 wide.
    EXPECT_GE(distance, sampled - 0.04F);
  }
}

TEST(ClosestPoint, LiesOnTheTriangle) {
  std::mt19937_64 engine(2);
  for (int trial = 0; trial < 300; ++trial) {
    const Vec3 a = draw(engine, 1);
    const Vec3 b = draw(engine, 1);
    const Vec3 c = draw(engine, 1);
    const Vec3 on = closest_point_on_triangle(draw(engine, 2), a, b, c);
    // The three triangles that a point of the triangle makes with its sides share its area.
    const float whole = (b - a).cross(c - a).norm();
    const float parts = (a - on).cross(b - on).norm() + (b - on).cross(c - on).norm() +
                        (c - on).cross(a - on).norm();
    EXPECT_NEAR(parts, whole, 2e-5F);
  }
}

TEST(ClosestPoint, DoesNotDependOnTheOrderOfTheCorners) {
  std::mt19937_64 engine(3);
  for (int trial = 0; trial < 200; ++trial) {
    const std::array<Vec3, 3> t = {draw(engine, 1), draw(engine, 1), draw(engine, 1)};
    const Vec3 p = draw(engine, 2);
    const Vec3 expected = closest_point_on_triangle(p, t[0], t[1], t[2]);
    for (const auto& [i, j, k] : {std::array{1, 2, 0}, std::array{2, 1, 0}, std::array{0, 2, 1}}) {
      EXPECT_LT((closest_point_on_triangle(p, t[i], t[j], t[k]) - expected).norm(), 1e-5F);
    }
  }
}

TEST(ClosestPoint, NamesTheRegionsOfARightTriangle) {
  const Vec3 a(0, 0, 0);
  const Vec3 b(2, 0, 0);
  const Vec3 c(0, 2, 0);
  const auto closest = [&](const Vec3& p) { return closest_point_on_triangle(p, a, b, c); };
  EXPECT_LT((closest({0.5F, 0.5F, 3}) - Vec3(0.5F, 0.5F, 0)).norm(), 1e-6F);
  EXPECT_LT((closest({-1, -1, 1}) - a).norm(), 1e-6F);
  EXPECT_LT((closest({5, -1, -1}) - b).norm(), 1e-6F);
  EXPECT_LT((closest({-1, 4, 0}) - c).norm(), 1e-6F);
  EXPECT_LT((closest({1, -3, 1}) - Vec3(1, 0, 0)).norm(), 1e-6F);
  EXPECT_LT((closest({-3, 1, 1}) - Vec3(0, 1, 0)).norm(), 1e-6F);
  EXPECT_LT((closest({2, 2, 1}) - Vec3(1, 1, 0)).norm(), 1e-6F);
}

TEST(ClosestPoint, TreatsSliversAsTheirSides) {
  const Vec3 a(0, 0, 0);
  const Vec3 b(1, 0, 0);
  const Vec3 sliver(0.5F, 1e-8F, 0);
  EXPECT_LT((closest_point_on_triangle({0.3F, 0, 1}, a, b, sliver) - Vec3(0.3F, 0, 0)).norm(),
            1e-6F);
  EXPECT_LT((closest_point_on_triangle({2, 0, 0}, a, b, b) - b).norm(), 1e-6F);
  EXPECT_EQ(closest_point_on_triangle({2, 3, 4}, b, b, b), b);
  EXPECT_EQ(closest_point_on_segment({2, 3, 4}, b, b), b);
}

}  // namespace
}  // namespace moca::mesh
