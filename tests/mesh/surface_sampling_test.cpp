#include "moca/mesh/surface_sampling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "moca/core/error.h"
#include "src/mesh/ray_caster.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using testing::box;
using testing::sphere;
using testing::square;

TEST(SampleSurface, SharesThePointsByArea) {
  // Sides of areas 1 x 2, 2 x 3, 1 x 3, each twice: 22 in all.
  const SurfacePoints points = sample_surface(box({0, 0, 0}, {1, 2, 3}), 100000, 5);
  ASSERT_EQ(points.positions.size(), 100000U);
  ASSERT_EQ(points.normals.size(), 100000U);
  Vec3 share = Vec3::Zero();
  for (const Vec3& normal : points.normals) {
    share += normal.cwiseAbs();
  }
  share /= 100000.0F;
  // Standard deviation of a share: at most 0.0016.
  EXPECT_NEAR(share.x(), 12.0 / 22, 0.008);
  EXPECT_NEAR(share.y(), 6.0 / 22, 0.008);
  EXPECT_NEAR(share.z(), 4.0 / 22, 0.008);
}

TEST(SampleSurface, IsUniformWithinAFace) {
  // Mean and second moments of the triangle (0,0), (1,0), (0,1): 1/3, 1/6, 1/12.
  const TriangleMesh triangle{{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}};
  Eigen::Array4d moments = Eigen::Array4d::Zero();
  for (const Vec3& p : sample_surface(triangle, 200000, 11).positions) {
    moments += Eigen::Array4d(p.x(), p.y(), p.x() * p.x(), p.x() * p.y());
  }
  moments /= 200000;
  EXPECT_NEAR(moments[0], 1.0 / 3, 0.003);
  EXPECT_NEAR(moments[1], 1.0 / 3, 0.003);
  EXPECT_NEAR(moments[2], 1.0 / 6, 0.003);
  EXPECT_NEAR(moments[3], 1.0 / 12, 0.003);
}

TEST(SampleSurface, LiesOnTheSurfaceWithOutwardUnitNormals) {
  const TriangleMesh ball = sphere(0.8F, 40);
  const RayCaster caster(ball);
  const SurfacePoints points = sample_surface(ball, 2000, 3);
  for (size_t i = 0; i < points.positions.size(); ++i) {
    EXPECT_LT(caster.distance_to_surface(points.positions[i]), 1e-6F);
    EXPECT_NEAR(points.normals[i].norm(), 1.0F, 1e-6F);
    EXPECT_GT(points.normals[i].dot(points.positions[i].normalized()), 0.99F);
  }
}

TEST(SampleSurface, RepeatsWithTheSeedAndOnlyWithIt) {
  const TriangleMesh ball = sphere(1, 10);
  const SurfacePoints first = sample_surface(ball, 100, 42);
  EXPECT_EQ(first.positions, sample_surface(ball, 100, 42).positions);
  EXPECT_NE(first.positions, sample_surface(ball, 100, 43).positions);
}

TEST(SampleSurface, NeverDrawsAFaceWithoutArea) {
  TriangleMesh mesh{{{0, 0, 0}, {5, 5, 5}, {0, 0, 0}, {1, 0, 0}, {0, 1, 0}},
                    {{0, 0, 1}, {2, 3, 4}, {0, 1, 1}, {1, 1, 1}}};
  for (const Vec3& normal : sample_surface(mesh, 5000, 1).normals) {
    EXPECT_EQ(normal, Vec3(0, 0, 1));
  }
}

TEST(SampleSurface, OfASceneSharesByAreaOverAllComponents) {
  const Scene scene{{{"one", square(0)},
                     {"empty", {}},
                     {"three", testing::join(square(1), testing::join(square(2), square(3)))}}};
  int num_low = 0;
  for (const Vec3& p : sample_surface(scene, 40000, 9).positions) {
    num_low += p.y() < 0.5F ? 1 : 0;
  }
  EXPECT_NEAR(num_low / 40000.0, 0.25, 0.012);
}

TEST(SampleSurface, RefusesAMeshWithoutArea) {
  EXPECT_THROW(sample_surface(TriangleMesh{}, 10, 0), Error);
  const TriangleMesh line{{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}, {{0, 1, 2}}};
  EXPECT_THROW(sample_surface(line, 10, 0), Error);
  EXPECT_TRUE(sample_surface(sphere(1, 4), 0, 0).positions.empty());
}

}  // namespace
}  // namespace moca::mesh
