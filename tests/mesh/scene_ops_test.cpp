#include "moca/mesh/scene_ops.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <numbers>

#include "moca/core/error.h"
#include "tests/mesh/brute_force.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using testing::box;
using testing::cube;
using testing::sphere;

constexpr double kPi = std::numbers::pi;

TEST(Bounds, HoldAllComponents) {
  const Scene scene{{{"a", box({0, 0, 0}, {1, 2, 3})}, {"b", box({-4, 1, 1}, {-3, 2, 2})}}};
  const Box found = bounds(scene);
  EXPECT_EQ(found.low, Vec3(-4, 0, 0));
  EXPECT_EQ(found.high, Vec3(1, 2, 3));
  EXPECT_EQ(bounds(scene.components[1].mesh).low, Vec3(-4, 1, 1));
}

TEST(Bounds, OfNothingAreTheOrigin) {
  EXPECT_EQ(bounds(Scene{}).low, Vec3::Zero());
  EXPECT_EQ(bounds(Scene{}).high, Vec3::Zero());
}

TEST(HasFaces, IsTrueFromOneFaceOn) {
  EXPECT_FALSE(has_faces(Scene{}));
  EXPECT_FALSE(has_faces(Scene{{{"a", {}}, {"b", {{Vec3::Zero()}, {}}}}}));
  EXPECT_TRUE(has_faces(Scene{{{"a", {}}, {"b", box({0, 0, 0}, {1, 1, 1})}}}));
}

TEST(Normalise, CentresTheBoxAndScalesTheLongestSide) {
  Scene scene{{{"a", box({10, 0, 0}, {11, 2, 3})}, {"b", box({12, 1, 1}, {16, 2, 2})}}};
  normalise(scene);
  const Box found = bounds(scene);
  EXPECT_TRUE(found.low.isApprox(Vec3(-1, -1.0F / 3, -0.5F), 1e-6F)) << found.low.transpose();
  EXPECT_TRUE(found.high.isApprox(Vec3(1, 1.0F / 3, 0.5F), 1e-6F)) << found.high.transpose();
}

TEST(Normalise, ChangesNothingTheSecondTimeAndKeepsTheShape) {
  Scene scene{{{"a", sphere(3, 12, {5, 5, 5})}, {"b", box({0, 1, 2}, {9, 2, 3})}}};
  const double ratio =
      surface_area(scene.components[0].mesh) / surface_area(scene.components[1].mesh);
  normalise(scene, 1.9F);
  const Scene once = scene;
  normalise(scene, 1.9F);
  for (size_t i = 0; i < 2; ++i) {
    for (size_t v = 0; v < scene.components[i].mesh.vertices.size(); ++v) {
      EXPECT_LT((scene.components[i].mesh.vertices[v] - once.components[i].mesh.vertices[v]).norm(),
                1e-6F);
    }
  }
  EXPECT_NEAR(surface_area(scene.components[0].mesh) / surface_area(scene.components[1].mesh),
              ratio, 1e-5);
}

TEST(Normalise, TakesTheLargestAndTheSmallestScenes) {
  for (const float size : {1e-30F, 1e30F}) {
    Scene scene{{{"a", box(Vec3::Constant(size), Vec3::Constant(3 * size))}}};
    normalise(scene);
    EXPECT_LT((bounds(scene).high - Vec3::Ones()).norm(), 1e-5F) << size;
  }
}

TEST(Normalise, RefusesASceneWithoutExtent) {
  Scene empty;
  EXPECT_THROW(normalise(empty), Error);
  Scene point{{{"a", {{Vec3::Ones(), Vec3::Ones(), Vec3::Ones()}, {{0, 1, 2}}}}}};
  EXPECT_THROW(normalise(point), Error);
}

TEST(Fuse, KeepsFacesInOrderAndAreaAndVolume) {
  const Scene scene{{{"a", cube(1)}, {"b", {}}, {"c", box({2, 0, 0}, {3, 1, 1})}}};
  const TriangleMesh fused = fuse(scene);
  EXPECT_EQ(fused.vertices.size(), 16U);
  EXPECT_EQ(fused.faces.size(), 24U);
  EXPECT_NEAR(surface_area(fused), 24 + 6, 1e-6);
  EXPECT_NEAR(signed_volume(fused), 8 + 1, 1e-6);
}

TEST(Weld, JoinsEqualPositionsOnly) {
  // A cube as 12 separate triangles, half of whose zeros are negative.
  TriangleMesh soup;
  const TriangleMesh whole = box({0, 0, 0}, {1, 1, 1});
  for (const auto& face : whole.faces) {
    const auto first = static_cast<int32_t>(soup.vertices.size());
    for (const int32_t corner : face) {
      const float zero = soup.vertices.size() % 2 == 0 ? 0.0F : -0.0F;
      soup.vertices.push_back((whole.vertices[corner].array() == 0)
                                  .select(Vec3::Constant(zero), whole.vertices[corner]));
    }
    soup.faces.push_back({first, first + 1, first + 2});
  }
  EXPECT_FALSE(is_watertight(soup));
  weld(soup);
  EXPECT_EQ(soup.vertices.size(), 8U);
  EXPECT_EQ(soup.faces.size(), 12U);
  EXPECT_TRUE(is_watertight(soup));
  EXPECT_NEAR(signed_volume(soup), 1.0, 1e-6);

  TriangleMesh near{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {std::nextafter(1.0F, 2.0F), 0, 0}},
                    {{0, 1, 2}, {0, 3, 2}}};
  weld(near);
  EXPECT_EQ(near.vertices.size(), 4U);
}

TEST(Weld, KeepsEveryTriangleWhereItIsAndDoesNothingTwice) {
  TriangleMesh soup = testing::triangle_soup(100, 0.5F, 2);
  // Half of the vertices once more, in other faces.
  const auto offset = static_cast<int32_t>(soup.vertices.size());
  for (int32_t i = 0; i < offset; i += 2) {
    soup.vertices.push_back(soup.vertices[i]);
    soup.faces.push_back({offset + i / 2, (i + 5) % offset, (i + 11) % offset});
  }
  TriangleMesh welded = soup;
  weld(welded);
  EXPECT_EQ(welded.vertices.size(), static_cast<size_t>(offset));
  ASSERT_EQ(welded.faces.size(), soup.faces.size());
  for (size_t face = 0; face < soup.faces.size(); ++face) {
    for (int corner = 0; corner < 3; ++corner) {
      EXPECT_EQ(welded.vertices[welded.faces[face][corner]],
                soup.vertices[soup.faces[face][corner]]);
    }
  }
  const TriangleMesh once = welded;
  weld(welded);
  EXPECT_EQ(welded.vertices, once.vertices);
  EXPECT_EQ(welded.faces, once.faces);
}

TEST(Weld, DropsFacesThatRepeatAVertex) {
  TriangleMesh mesh{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 0, 0}}, {{0, 1, 2}, {0, 1, 3}}};
  weld(mesh);
  EXPECT_EQ(mesh.faces.size(), 1U);
}

TEST(IsWatertight, NeedsEveryEdgeTwiceInOppositeDirections) {
  EXPECT_TRUE(is_watertight(cube(1)));
  EXPECT_TRUE(is_watertight(sphere(1, 16)));
  EXPECT_FALSE(is_watertight(TriangleMesh{}));
  TriangleMesh open = cube(1);
  open.faces.pop_back();
  EXPECT_FALSE(is_watertight(open));
  TriangleMesh inconsistent = cube(1);
  std::swap(inconsistent.faces[0][0], inconsistent.faces[0][1]);
  EXPECT_FALSE(is_watertight(inconsistent));
  TriangleMesh doubled = cube(1);
  doubled.faces.insert(doubled.faces.end(), doubled.faces.begin(), doubled.faces.end());
  EXPECT_FALSE(is_watertight(doubled));
}

TEST(AreaAndVolume, GrowAsTheSquareAndCubeAndIgnoreRigidMotions) {
  const TriangleMesh ball = sphere(0.5F, 24);
  const Eigen::AngleAxisf turn(0.9F, Vec3(1, -2, 1).normalized());
  TriangleMesh moved = ball;
  for (Vec3& vertex : moved.vertices) {
    vertex = 3.0F * (turn * vertex) + Vec3(1, 2, -4);
  }
  EXPECT_NEAR(surface_area(moved), 9 * surface_area(ball), 1e-4);
  EXPECT_NEAR(signed_volume(moved), 27 * signed_volume(ball), 1e-4);
  // Of all bodies of this area the ball holds most.
  EXPECT_LT(36 * kPi * std::pow(signed_volume(ball), 2), std::pow(surface_area(ball), 3));
  EXPECT_EQ(surface_area(TriangleMesh{}), 0);
  EXPECT_EQ(signed_volume(TriangleMesh{}), 0);
}

TEST(AreaAndVolume, MatchTheSphere) {
  const TriangleMesh ball = sphere(0.5F, 200, Vec3(30, -20, 10));
  EXPECT_NEAR(surface_area(ball), kPi, 1e-3);
  EXPECT_NEAR(signed_volume(ball), kPi / 6, 1e-3);
  TriangleMesh inverted = ball;
  testing::flip_faces(inverted);
  EXPECT_NEAR(signed_volume(inverted), -signed_volume(ball), 1e-9);
}

}  // namespace
}  // namespace moca::mesh
