#include "src/mesh/ray_caster.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/mesh/brute_force.h"
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
  // From inside: through the diagonal of a side, through a corner.
  EXPECT_EQ(caster.winding_number({0, 0, 0}, {1, 0, 0}), 1);
  EXPECT_EQ(caster.winding_number({0, 0, 0}, Vec3(1, 1, 1).normalized()), 1);
  // From outside, through two of them each.
  EXPECT_EQ(caster.winding_number({0, 0, 5}, {0, 0, -1}), 0);
  EXPECT_EQ(caster.winding_number({5, 5, 5}, Vec3(-1, -1, -1).normalized()), 0);
  EXPECT_EQ(caster.winding_number({0, 3, 0}, {1, 0, 0}), 0);
}

TEST(RayCaster, CountsEverySheetOfAStack) {
  TriangleMesh stack;
  for (int i = 0; i < 50; ++i) {
    stack = testing::join(stack, square(0.01F * static_cast<float>(i)));
  }
  const RayCaster caster(stack);
  EXPECT_EQ(caster.winding_number({0.3F, -1, 0.1F}, {0, 1, 0}), 50);
  EXPECT_EQ(caster.winding_number({0.3F, 0.245F, 0.1F}, {0, 1, 0}), 25);
  // Two separate sheets at one place are two faces.
  EXPECT_EQ(
      RayCaster(testing::join(square(0), square(0))).winding_number({0.3F, -1, 0.1F}, {0, 1, 0}),
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

TEST(RayCaster, MeetsTheFirstFaceOfASoupThatTheEquationsName) {
  const TriangleMesh soup = testing::triangle_soup(200, 0.3F, 5);
  const RayCaster caster(soup);
  const std::vector<Vec3> origins = testing::random_points(400, 1.5F, 7);
  const std::vector<Vec3> directions = testing::random_points(400, 1, 8);
  int num_hits = 0;
  for (size_t i = 0; i < origins.size(); ++i) {
    const Vec3 direction = directions[i].normalized();
    double nearest = std::numeric_limits<double>::infinity();
    int32_t first = -1;
    for (size_t face = 0; face < soup.faces.size(); ++face) {
      const auto met = testing::ray_meets(testing::corners_of(soup, face),
                                          origins[i].cast<double>(), direction.cast<double>());
      if (met && *met < nearest) {
        nearest = *met;
        first = static_cast<int32_t>(face);
      }
    }
    const Hit hit = caster.cast(origins[i], direction);
    ASSERT_EQ(hit.face, first) << i;
    if (first < 0) {
      EXPECT_EQ(hit.component, -1);
      continue;
    }
    ++num_hits;
    EXPECT_NEAR(hit.distance, nearest, 1e-5);
    const testing::FaceCorners face = testing::corners_of(soup, first);
    const Eigen::Vector3d normal = (face.b - face.a).cross(face.c - face.a).normalized();
    EXPECT_LT((hit.normal.cast<double>() - normal).norm(), 1e-4);
  }
  EXPECT_GT(num_hits, 50);
}

TEST(RayCaster, SignsTheFacesOfASoupThatTheEquationsName) {
  const TriangleMesh soup = testing::triangle_soup(150, 0.5F, 9);
  const RayCaster caster(soup);
  const std::vector<Vec3> origins = testing::random_points(200, 1.2F, 10);
  const std::vector<Vec3> directions = testing::random_points(200, 1, 11);
  for (size_t i = 0; i < origins.size(); ++i) {
    const Eigen::Vector3d direction = directions[i].normalized().cast<double>();
    int winding = 0;
    for (size_t index = 0; index < soup.faces.size(); ++index) {
      const testing::FaceCorners face = testing::corners_of(soup, index);
      if (testing::ray_meets(face, origins[i].cast<double>(), direction)) {
        winding += (face.b - face.a).cross(face.c - face.a).dot(direction) > 0 ? 1 : -1;
      }
    }
    EXPECT_EQ(caster.winding_number(origins[i], direction.cast<float>()), winding) << i;
  }
}

TEST(RayCaster, MeasuresTheDistanceToASoupAsTheFormulasDo) {
  const TriangleMesh soup = testing::triangle_soup(120, 0.3F, 12);
  const RayCaster caster(soup);
  for (const Vec3& point : testing::random_points(300, 1.5F, 13)) {
    EXPECT_NEAR(caster.distance_to_surface(point), testing::distance_to_faces(soup, point), 2e-6);
  }
}

TEST(RayCaster, WindsAsTheSolidAnglesDoWhateverTheDirection) {
  TriangleMesh inverted = sphere(0.4F, 12, {0.5F, 0, 0});
  testing::flip_faces(inverted);
  const TriangleMesh mesh =
      testing::join(testing::join(sphere(0.9F, 12), cube(0.5F)), testing::join(inverted, cube(1)));
  const RayCaster caster(mesh);
  for (const Vec3& point : testing::random_points(150, 1.2F, 14)) {
    const int expected = static_cast<int>(std::lround(testing::winding_number(mesh, point)));
    for (const Vec3& direction : testing::random_points(4, 1, 15)) {
      EXPECT_EQ(caster.winding_number(point, direction.normalized()), expected)
          << point.transpose();
    }
  }
}

TEST(RayCaster, StaysUsableWhenItIsMoved) {
  RayCaster first(cube(1));
  RayCaster second(cube(0.5F));
  second = std::move(first);
  const RayCaster third(std::move(second));
  EXPECT_NEAR(third.cast({0.1F, 0.2F, 4}, {0, 0, -1}).distance, 3, 1e-6F);
}

TEST(RayCaster, WorksOnNothing) {
  const RayCaster caster{Scene{}};
  EXPECT_EQ(caster.cast({0, 0, 0}, {0, 0, 1}).component, -1);
  EXPECT_EQ(caster.winding_number({0, 0, 0}, {0, 0, 1}), 0);
  EXPECT_EQ(caster.distance_to_surface({0, 0, 0}), std::numeric_limits<float>::infinity());
}

TEST(RayCaster, RefusesFacesWithoutVertices) {
  TriangleMesh broken = cube(1);
  broken.faces[3][1] = 8;
  EXPECT_THROW(RayCaster{broken}, std::logic_error);
}

}  // namespace
}  // namespace moca::mesh
