#include "moca/mesh/ray_caster.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using testing::box;
using testing::cube;
using testing::sphere;
using testing::square;

TEST(RayCaster, FindsTheFirstComponentOnTheWay) {
  const RayCaster caster(
      Scene{{{"far", box({-1, -1, -5}, {1, 1, -4})}, {"empty", {}}, {"near", cube(1)}}});
  const Hit hit = caster.cast({0.3F, 0.2F, 4}, {0, 0, -1});
  EXPECT_EQ(hit.component, 2);
  EXPECT_NEAR(hit.distance, 3, 1e-6F);
  EXPECT_TRUE(hit.normal.isApprox(Vec3(0, 0, 1)));
  EXPECT_TRUE(hit.face == 2 || hit.face == 3) << hit.face;
  EXPECT_EQ(caster.cast({0.3F, 0.2F, -2}, {0, 0, -1}).component, 0);
  EXPECT_EQ(caster.cast({0.3F, 0.2F, 4}, {0, 0, 1}).component, -1);
}

TEST(RayCaster, HitsASphereWhereTheFormulaSays) {
  const RayCaster caster(sphere(1, 200));
  for (int i = 0; i < 100; ++i) {
    const float offset = 0.0095F * static_cast<float>(i);
    const Hit hit = caster.cast({offset, 0.01F, 3}, {0, 0, -1});
    ASSERT_EQ(hit.component, 0);
    EXPECT_NEAR(hit.distance, 3 - std::sqrt(1 - offset * offset - 1e-4F), 2e-3F);
  }
}

TEST(RayCaster, CountsAnEdgeOrCornerOnce) {
  const RayCaster caster(cube(1));
  // Through the diagonals of two sides, through two corners, and from inside along an axis.
  EXPECT_EQ(caster.count_crossings({0, 0, 5}, {0, 0, -1}), 2);
  EXPECT_EQ(caster.count_crossings({5, 5, 5}, Vec3(-1, -1, -1).normalized()), 2);
  EXPECT_EQ(caster.count_crossings({0, 0, 0}, {1, 0, 0}), 1);
  EXPECT_EQ(caster.count_crossings({0, 0, 0}, Vec3(1, 1, 1).normalized()), 1);
  EXPECT_EQ(caster.count_crossings({0, 3, 0}, {1, 0, 0}), 0);
}

TEST(RayCaster, CountsEverySheetOfAStack) {
  TriangleMesh stack;
  for (int i = 0; i < 50; ++i) {
    stack = testing::join(stack, square(0.01F * static_cast<float>(i)));
  }
  const RayCaster caster(stack);
  EXPECT_EQ(caster.count_crossings({0.3F, -1, 0.1F}, {0, 1, 0}), 50);
  EXPECT_EQ(caster.count_crossings({0.3F, 0.245F, 0.1F}, {0, 1, 0}), 25);
  // Two separate sheets at one place are two faces.
  EXPECT_EQ(
      RayCaster(testing::join(square(0), square(0))).count_crossings({0.3F, -1, 0.1F}, {0, 1, 0}),
      2);
}

TEST(RayCaster, WindsOncePerEnclosingSurface) {
  const RayCaster caster(testing::join(sphere(1, 20), sphere(0.5F, 20)));
  const Vec3 direction = Vec3(0.3F, 0.5F, 0.8F).normalized();
  EXPECT_EQ(caster.winding_number({0, 0.1F, 0}, direction), 2);
  EXPECT_EQ(caster.winding_number({0, 0.7F, 0}, direction), 1);
  EXPECT_EQ(caster.winding_number({0, -2, -1}, direction), 0);
}

TEST(RayCaster, MeasuresTheDistanceToFacesEdgesAndCorners) {
  const RayCaster caster(cube(1));
  EXPECT_NEAR(caster.distance_to_surface({0, 0, 0}), 1, 1e-6F);
  EXPECT_NEAR(caster.distance_to_surface({0.5F, -0.2F, 3}), 2, 1e-6F);
  EXPECT_NEAR(caster.distance_to_surface({2, 0.3F, 2}), std::sqrt(2.0F), 1e-6F);
  EXPECT_NEAR(caster.distance_to_surface({2, 2, 2}), std::sqrt(3.0F), 1e-6F);
  EXPECT_NEAR(caster.distance_to_surface({0.2F, 0.3F, 1}), 0, 1e-6F);
}

TEST(RayCaster, MeasuresTheDistanceToDegenerateFaces) {
  const TriangleMesh needle{{{0, 0, 0}, {1, 0, 0}, {3, 0, 0}}, {{0, 1, 2}}};
  EXPECT_NEAR(RayCaster(needle).distance_to_surface({2, 0.5F, 0}), 0.5F, 1e-6F);
  const TriangleMesh point{{{1, 2, 3}}, {{0, 0, 0}}};
  EXPECT_NEAR(RayCaster(point).distance_to_surface({1, 2, 5}), 2, 1e-6F);
}

TEST(RayCaster, WorksOnNothing) {
  const RayCaster caster{Scene{}};
  EXPECT_EQ(caster.cast({0, 0, 0}, {0, 0, 1}).component, -1);
  EXPECT_EQ(caster.count_crossings({0, 0, 0}, {0, 0, 1}), 0);
  EXPECT_EQ(caster.distance_to_surface({0, 0, 0}), std::numeric_limits<float>::infinity());
}

TEST(RayCaster, RefusesFacesWithoutVertices) {
  TriangleMesh broken = cube(1);
  broken.faces[3][1] = 8;
  EXPECT_THROW(RayCaster{broken}, std::logic_error);
}

}  // namespace
}  // namespace moca::mesh
