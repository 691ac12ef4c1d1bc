#include "moca/procedural/primitives.h"

#include <gtest/gtest.h>

#include <Eigen/LU>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "moca/mesh/scene_ops.h"
#include "src/mesh/ray_caster.h"
#include "tests/procedural/primitive_samples.h"

namespace moca::procedural {
namespace {

using Sample = PrimitiveSample;

Vec3 gradient(const Primitive& primitive, const Vec3& point) {
  constexpr float kStep = 2e-3F;
  Vec3 slope;
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 offset = kStep * Vec3::Unit(axis);
    slope[axis] =
        (signed_distance(primitive, point + offset) - signed_distance(primitive, point - offset)) /
        (2 * kStep);
  }
  return slope;
}

TEST(SignedDistance, IsTheDistanceToTheMeshWithinItsTessellation) {
  for (const Sample& sample : placed_primitives()) {
    const mesh::RayCaster surface(mesh_of(sample.primitive));
    for (const Vec3& point : points_around(sample.primitive, 400)) {
      EXPECT_NEAR(std::abs(signed_distance(sample.primitive, point)),
                  surface.distance_to_surface(point), kTessellation)
          << sample.name << " at " << point.transpose();
    }
  }
}

TEST(SignedDistance, IsPositiveExactlyInside) {
  const Vec3 direction = Vec3(0.31F, 0.83F, -0.46F).normalized();
  for (const Sample& sample : placed_primitives()) {
    const mesh::RayCaster surface(mesh_of(sample.primitive));
    int num_inside = 0;
    for (const Vec3& point : points_around(sample.primitive, 2000)) {
      const float distance = signed_distance(sample.primitive, point);
      if (std::abs(distance) < 2 * kTessellation) {
        continue;
      }
      num_inside += distance > 0 ? 1 : 0;
      // A ray from inside meets its first face from behind.
      const mesh::Hit hit = surface.cast(point, direction);
      const bool leaves = hit.component >= 0 && hit.normal.dot(direction) > 0;
      EXPECT_EQ(distance > 0, leaves) << sample.name << " at " << point.transpose();
    }
    EXPECT_GT(num_inside, 5) << sample.name;
  }
}

TEST(SignedDistance, GrowsByOneForEveryUnitOutsideAConvexShape) {
  for (const Sample& sample : placed_primitives()) {
    if (!sample.is_convex) {
      continue;
    }
    for (const Vec3& point : points_around(sample.primitive, 300)) {
      if (signed_distance(sample.primitive, point) < -0.05F) {
        EXPECT_NEAR(gradient(sample.primitive, point).norm(), 1.0F, 2e-3F) << sample.name;
      }
    }
  }
}

TEST(SignedDistance, NeverGrowsFasterThanByOneAndMostlyThatFast) {
  for (const Sample& sample : placed_primitives()) {
    int num_exact = 0;
    const std::vector<Vec3> points = points_around(sample.primitive, 1000);
    for (const Vec3& point : points) {
      const float slope = gradient(sample.primitive, point).norm();
      EXPECT_LT(slope, 1.002F) << sample.name;
      num_exact += slope > 0.99F ? 1 : 0;
    }
    // The medial axis has no volume.
    EXPECT_GT(num_exact, 970) << sample.name;
  }
}

TEST(SignedDistance, VanishesAtTheClosestPoint) {
  for (const Sample& sample : placed_primitives()) {
    for (const Vec3& point : points_around(sample.primitive, 300)) {
      const Vec3 slope = gradient(sample.primitive, point);
      if (slope.norm() < 0.999F || std::abs(signed_distance(sample.primitive, point)) < 0.02F) {
        continue;
      }
      const Vec3 closest = point - signed_distance(sample.primitive, point) * slope.normalized();
      EXPECT_NEAR(signed_distance(sample.primitive, closest), 0.0F, 6e-3F) << sample.name;
    }
  }
}

TEST(SignedDistance, FollowsMovingScalingAndMirroring) {
  const Vec3 offset(0.3F, 0.5F, -0.2F);
  for (const Sample& sample : placed_primitives()) {
    for (const Vec3& point : points_around(sample.primitive, 100)) {
      const float distance = signed_distance(sample.primitive, point);
      EXPECT_NEAR(signed_distance(moved(sample.primitive, offset), point + offset), distance,
                  1e-5F);
      EXPECT_NEAR(signed_distance(scaled(sample.primitive, 2.5F), 2.5F * point), 2.5F * distance,
                  1e-5F);
      for (int axis = 0; axis < 3; ++axis) {
        Vec3 image = point;
        image[axis] = -image[axis];
        EXPECT_NEAR(signed_distance(mirrored(sample.primitive, axis), image), distance, 1e-5F)
            << sample.name;
      }
    }
  }
}

TEST(Mirrored, KeepsAProperRotation) {
  for (const Sample& sample : placed_primitives()) {
    EXPECT_NEAR(mirrored(sample.primitive, 2).rotation.determinant(), 1.0F, 1e-5F);
  }
}

TEST(MeshOf, ClosesEveryShapeAndFacesOutward) {
  for (const Sample& sample : placed_primitives()) {
    const mesh::TriangleMesh mesh = mesh_of(sample.primitive);
    EXPECT_TRUE(mesh::is_watertight(mesh)) << sample.name;
    EXPECT_NEAR(mesh::signed_volume(mesh), sample.volume, 0.006 * sample.volume) << sample.name;
  }
}

TEST(MeshOf, PutsItsVerticesOnTheSurfaceAndItsFacesWithinTheChordError) {
  for (const Sample& sample : placed_primitives()) {
    const mesh::TriangleMesh mesh = mesh_of(sample.primitive);
    for (const Vec3& vertex : mesh.vertices) {
      EXPECT_NEAR(signed_distance(sample.primitive, vertex), 0.0F, 1e-5F) << sample.name;
    }
    for (const auto& face : mesh.faces) {
      const Vec3 middle =
          (mesh.vertices[face[0]] + mesh.vertices[face[1]] + mesh.vertices[face[2]]) / 3.0F;
      EXPECT_NEAR(signed_distance(sample.primitive, middle), 0.0F, kTessellation) << sample.name;
    }
  }
}

TEST(MeshOf, TessellatesASphereOfRadiusOneAndTheSmallestStickAlike) {
  for (const float radius : {1.0F, kMinStickRadius}) {
    const Primitive ball = sphere(radius, Vec3::Zero());
    const mesh::TriangleMesh mesh = mesh_of(ball);
    for (const auto& face : mesh.faces) {
      const Vec3 middle =
          (mesh.vertices[face[0]] + mesh.vertices[face[1]] + mesh.vertices[face[2]]) / 3.0F;
      EXPECT_LT(signed_distance(ball, middle), kTessellation);
    }
  }
}

TEST(BoundsOf, IsTheBoxAroundTheMesh) {
  for (const Sample& sample : placed_primitives()) {
    const mesh::Box exact = bounds_of(sample.primitive);
    const mesh::Box measured = mesh::bounds(mesh_of(sample.primitive));
    EXPECT_LT((exact.low - measured.low).cwiseAbs().maxCoeff(), kTessellation) << sample.name;
    EXPECT_LT((exact.high - measured.high).cwiseAbs().maxCoeff(), kTessellation) << sample.name;
  }
}

TEST(Primitives, RefuseSizesThatCannotBe) {
  const Vec3 at = Vec3::Zero();
  EXPECT_THROW(box(Vec3(0.1F, 0, 0.1F), at), std::logic_error);
  EXPECT_THROW(rounded_box(Vec3::Constant(0.1F), 0.1F, at), std::logic_error);
  EXPECT_THROW(torus(0.1F, 0.2F, at), std::logic_error);
  EXPECT_THROW(cone(0.1F, -0.1F, 0.2F, at), std::logic_error);
  EXPECT_THROW(sphere(0, at), std::logic_error);
  EXPECT_THROW(scaled(sphere(1, at), 0), std::logic_error);
}

}  // namespace
}  // namespace moca::procedural
