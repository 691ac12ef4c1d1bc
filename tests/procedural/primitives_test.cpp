#include "moca/procedural/primitives.h"

#include <gtest/gtest.h>

#include <Eigen/LU>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include "moca/mesh/ray_caster.h"
#include "moca/mesh/scene_ops.h"
#include "moca/procedural/asset_builder.h"

namespace moca::procedural {
namespace {

constexpr double kPi = std::numbers::pi;
// What two directions of tessellation may add up to.
constexpr float kTessellation = 0.002F;

struct Sample {
  std::string name;
  Primitive primitive;
  double volume = 0;  // in closed form
  bool is_convex = true;
};

// One or more of every shape, turned and moved away from the origin.
std::vector<Sample> samples() {
  const Vec3 at(0.2F, -0.1F, 0.3F);
  const Vec3 sides(0.5F, 0.3F, 0.2F);
  const double edge = 0.1;
  // Steiner's formula for a box of 0.8 x 0.4 x 0.2 grown by its edge radius.
  const double rounded = 0.8 * 0.4 * 0.2 + 2 * (0.32 + 0.16 + 0.08) * edge +
                         kPi * edge * edge * (0.8 + 0.4 + 0.2) +
                         4.0 / 3.0 * kPi * std::pow(edge, 3);
  std::vector<Sample> made = {
      {"box", box(sides, at), 8 * 0.5 * 0.3 * 0.2},
      {"rounded box", rounded_box(sides, 0.1F, at), rounded},
      {"cylinder", cylinder(0.4F, 0.5F, at), kPi * 0.16 * 1.0},
      {"frustum", cone(0.5F, 0.2F, 0.4F, at), kPi * 0.8 / 3 * (0.25 + 0.1 + 0.04)},
      {"widening frustum", cone(0.1F, 0.4F, 0.3F, at), kPi * 0.6 / 3 * (0.01 + 0.04 + 0.16)},
      {"tip", cone(0.5F, 0.0F, 0.4F, at), kPi * 0.8 / 3 * 0.25},
      {"sphere", sphere(0.9F, at), 4.0 / 3.0 * kPi * std::pow(0.9, 3)},
      {"capsule", capsule(0.3F, 0.4F, at), kPi * 0.09 * 0.8 + 4.0 / 3.0 * kPi * 0.027},
      {"torus", torus(0.6F, 0.2F, at), 2 * kPi * kPi * 0.6 * 0.04, false},
      {"prism", prism(0.5F, 0.3F, at), 1.5 * std::sqrt(3.0) * 0.25 * 0.6},
      {"trapezoid", trapezoid(sides, 0.3F, at), 0.8 * 0.6 * 0.4},
      {"widening trapezoid", trapezoid(sides, 0.7F, at), 1.2 * 0.6 * 0.4},
      {"gable", trapezoid(sides, 0.0F, at), 0.5 * 0.6 * 0.4},
  };
  const Eigen::Matrix3f rotation =
      turn_about(0, 25.0F) * turn_about(1, -50.0F) * turn_about(2, 70.0F);
  for (Sample& sample : made) {
    sample.primitive = rotated(sample.primitive, rotation);
  }
  return made;
}

std::vector<Vec3> points_around(const Primitive& primitive, int count) {
  Random random(7);
  std::vector<Vec3> points;
  for (int i = 0; i < count; ++i) {
    points.emplace_back(random.uniform(-1.2F, 1.2F), random.uniform(-1.2F, 1.2F),
                        random.uniform(-1.2F, 1.2F));
    points.back() += primitive.center;
  }
  return points;
}

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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
    EXPECT_NEAR(mirrored(sample.primitive, 2).rotation.determinant(), 1.0F, 1e-5F);
  }
}

TEST(MeshOf, ClosesEveryShapeAndFacesOutward) {
  for (const Sample& sample : samples()) {
    const mesh::TriangleMesh mesh = mesh_of(sample.primitive);
    EXPECT_TRUE(mesh::is_watertight(mesh)) << sample.name;
    EXPECT_NEAR(mesh::signed_volume(mesh), sample.volume, 0.006 * sample.volume) << sample.name;
  }
}

TEST(MeshOf, PutsItsVerticesOnTheSurfaceAndItsFacesWithinTheChordError) {
  for (const Sample& sample : samples()) {
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
  for (const Sample& sample : samples()) {
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
