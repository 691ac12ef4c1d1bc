#include "src/mesh/polygon.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <numbers>
#include <set>

namespace moca::mesh {
namespace {

using Points = std::vector<Eigen::Vector3d>;

// Sum of the triangles' areas, and its sum along the polygon's own direction: equal when none is
// turned over.
std::pair<double, double> areas(const Points& corners) {
  double area = 0;
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  for (const auto& [a, b, c] : triangulate(corners)) {
    const Eigen::Vector3d cross = (corners[b] - corners[a]).cross(corners[c] - corners[a]) / 2;
    area += cross.norm();
    sum += cross;
  }
  return {area, sum.norm()};
}

TEST(Triangulate, FansAConvexPolygonFromItsFirstCorner) {
  const auto triangles = triangulate({{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}});
  const std::vector<std::array<uint32_t, 3>> fan = {{0, 1, 2}, {0, 2, 3}};
  EXPECT_EQ(triangles, fan);
}

TEST(Triangulate, FillsConcavePolygonsWhateverCornerIsFirst) {
  // An L of area 7, a star with five points, and an arrowhead.
  Points star;
  for (int i = 0; i < 10; ++i) {
    const double angle = i * std::numbers::pi / 5, radius = i % 2 == 0 ? 1.0 : 0.3;
    star.emplace_back(radius * std::cos(angle), radius * std::sin(angle), 0);
  }
  const double star_area = 10 * 0.5 * 0.3 * std::sin(std::numbers::pi / 5);
  const Eigen::AngleAxisd turn(0.7, Eigen::Vector3d(1, 2, 3).normalized());
  for (const auto& [corners, area] :
       {std::pair(Points{{0, 0, 0}, {4, 0, 0}, {4, 1, 0}, {1, 1, 0}, {1, 4, 0}, {0, 4, 0}}, 7.0),
        std::pair(star, star_area),
        std::pair(Points{{0, 0, 0}, {2, -1, 0}, {0, 3, 0}, {-2, -1, 0}}, 6.0)}) {
    for (size_t first = 0; first < corners.size(); ++first) {
      Points moved;
      for (size_t i = 0; i < corners.size(); ++i) {
        moved.push_back(turn * corners[(first + i) % corners.size()] +
                        Eigen::Vector3d(5e5, 4e6, 100));
      }
      EXPECT_EQ(triangulate(moved).size(), corners.size() - 2);
      const auto [sum, directed] = areas(moved);
      EXPECT_NEAR(sum, area, 1e-6) << first;
      EXPECT_NEAR(directed, area, 1e-6) << first;
    }
  }
}

TEST(Triangulate, LosesNoCornerOfAPolygonWhoseSidesCross) {
  const auto triangles = triangulate({{0, 0, 0}, {2, 2, 0}, {2, 0, 0}, {0, 2, 0}, {-1, 1, 0}});
  std::set<uint32_t> corners;
  for (const auto& triangle : triangles) {
    corners.insert(triangle.begin(), triangle.end());
  }
  EXPECT_EQ(corners.size(), 5U);
}

TEST(Triangulate, TakesPolygonsWithoutAreaAndOfNoNumbers) {
  EXPECT_EQ(triangulate(Points(6, {1, 1, 1})).size(), 4U);
  EXPECT_EQ(triangulate(Points(6, {NAN, 1, 1})).size(), 4U);
  EXPECT_EQ(triangulate({{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {1, 0, 0}, {0, 0, 0}}).size(), 3U);
}

TEST(Triangulate, TakesManyCornersInLittleTime) {
  Points comb;  // every tooth is a concave corner
  for (int i = 0; i < 20000; ++i) {
    comb.emplace_back(i, i % 2 == 0 ? 1 : 50, 0);
  }
  comb.emplace_back(20000, 0, 0);
  comb.emplace_back(0, 0, 0);
  EXPECT_EQ(triangulate(comb).size(), comb.size() - 2);
}

}  // namespace
}  // namespace moca::mesh
