#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "moca/mesh/scene_ops.h"
#include "moca/procedural/primitives.h"
#include "tests/mesh/mesh_checks.h"
#include "tests/procedural/primitive_samples.h"

namespace moca::procedural {
namespace {

using Sample = PrimitiveSample;
constexpr float kPi = std::numbers::pi_v<float>;
const Vec3 kOrigin = Vec3::Zero();

struct SurfacePoint {
  Vec3 position;
  Vec3 normal;  // unit, outward
};

// A piece of a surface over (u, v) in [0, 1]^2.
using Patch = std::function<SurfacePoint(float u, float v)>;

Patch flat(const Vec3& corner, const Vec3& along_u, const Vec3& along_v) {
  return [=](float u, float v) -> SurfacePoint {
    return {corner + u * along_u + v * along_v, along_u.cross(along_v).normalized()};
  };
}

// The line from (radius, height) `from` to `to` turned about Y; the outside is on its right.
Patch turned(const Eigen::Vector2f& from, const Eigen::Vector2f& to) {
  return [=](float u, float v) -> SurfacePoint {
    const Eigen::Vector2f at = from + u * (to - from);
    const Eigen::Vector2f out = Eigen::Vector2f(to.y() - from.y(), from.x() - to.x()).normalized();
    const float angle = 2 * kPi * v;
    const Vec3 away(std::sin(angle), 0, std::cos(angle));
    return {at.x() * away + Vec3(0, at.y(), 0), out.x() * away + Vec3(0, out.y(), 0)};
  };
}

// The circle arc of `radius` about (ring, height) in the (radius, height) plane turned about Y.
Patch turned_arc(float ring, float height, float radius, float from_angle, float to_angle) {
  return [=](float u, float v) -> SurfacePoint {
    const float tilt = from_angle + u * (to_angle - from_angle);
    const float angle = 2 * kPi * v;
    const Vec3 away(std::sin(angle), 0, std::cos(angle));
    const Vec3 out = std::cos(tilt) * away + Vec3(0, std::sin(tilt), 0);
    return {ring * away + Vec3(0, height, 0) + radius * out, out};
  };
}

struct Patched {
  std::string name;
  Primitive primitive;
  std::vector<Patch> patches;
  float farthest = 2;  // outward along a normal until another piece of the surface is nearer
};

Patched patched_turned(const std::string& name, const Primitive& primitive, float lower,
                       float upper, float half_height) {
  Patched made{name,
               primitive,
               {turned({0, -half_height}, {lower, -half_height}),
                turned({lower, -half_height}, {upper, half_height})}};
  if (upper > 0) {
    made.patches.push_back(turned({upper, half_height}, {0, half_height}));
  }
  return made;
}

Patched patched_trapezoid(const std::string& name, const Vec3& half, float upper) {
  const Vec3 right_foot(half.x(), -half.y(), -half.z());
  const Vec3 left_foot(-half.x(), -half.y(), -half.z());
  const Vec3 right_slope(upper - half.x(), 2 * half.y(), 0);
  const Vec3 left_slope(half.x() - upper, 2 * half.y(), 0);
  const Vec3 depth(0, 0, 2 * half.z());
  const float middle = 0.5F * std::min(half.x(), half.x() / 2 + upper / 2);
  Patched made{
      name,
      trapezoid(half, upper, kOrigin),
      {flat(left_foot, Vec3(2 * half.x(), 0, 0), depth), flat(right_foot, right_slope, depth),
       flat(left_foot, depth, left_slope),
       flat({-middle, -half.y(), half.z()}, Vec3(2 * middle, 0, 0), Vec3(0, half.y(), 0)),
       flat({-middle, -half.y(), -half.z()}, Vec3(0, half.y(), 0), Vec3(2 * middle, 0, 0))}};
  if (upper > 0) {
    made.patches.push_back(flat({-upper, half.y(), -half.z()}, depth, Vec3(2 * upper, 0, 0)));
  }
  return made;
}

Patched patched_prism(float radius, float half_height) {
  Patched made{"prism", prism(radius, half_height, kOrigin), {}};
  const auto corner = [&](int i) {
    const float angle = static_cast<float>(i) * kPi / 3;
    return Vec3(radius * std::sin(angle), -half_height, radius * std::cos(angle));
  };
  const Vec3 up(0, 2 * half_height, 0);
  for (int i = 0; i < 6; ++i) {
    made.patches.push_back(flat(corner(i), corner(i + 1) - corner(i), up));
  }
  const Vec3 middle(0, half_height, 0);
  made.patches.push_back(flat(middle, Vec3(0, 0, 0.6F * radius), Vec3(0.6F * radius, 0, 0)));
  made.patches.push_back(flat(-middle, Vec3(0.6F * radius, 0, 0), Vec3(0, 0, 0.6F * radius)));
  return made;
}

// A box whose edges are rounded by `edge`: its sides, one edge and one corner.
Patched patched_box(const Vec3& half, float edge) {
  Patched made{edge > 0 ? "rounded box" : "box",
               edge > 0 ? rounded_box(half, edge, kOrigin) : box(half, kOrigin),
               {}};
  const Vec3 inner = half - Vec3::Constant(edge);
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 u = 2 * inner[(axis + 1) % 3] * Vec3::Unit((axis + 1) % 3);
    const Vec3 v = 2 * inner[(axis + 2) % 3] * Vec3::Unit((axis + 2) % 3);
    const Vec3 out = half[axis] * Vec3::Unit(axis);
    made.patches.push_back(flat(out - (u + v) / 2, u, v));
    made.patches.push_back(flat(-out - (u + v) / 2, v, u));
  }
  if (edge > 0) {
    made.patches.push_back([=](float u, float v) -> SurfacePoint {
      const Vec3 out(std::cos(v * kPi / 2), std::sin(v * kPi / 2), 0);
      return {Vec3(inner.x(), inner.y(), (2 * u - 1) * inner.z()) + edge * out, out};
    });
    made.patches.push_back([=](float u, float v) -> SurfacePoint {
      const Vec3 out = Vec3(u, v, 1.2F - u).normalized();
      return {inner + edge * out, out};
    });
  }
  return made;
}

std::vector<Patched> patched_primitives() {
  std::vector<Patched> made = {
      patched_box({0.5F, 0.3F, 0.2F}, 0),
      patched_box({0.5F, 0.3F, 0.2F}, 0.1F),
      patched_turned("cylinder", cylinder(0.4F, 0.5F, kOrigin), 0.4F, 0.4F, 0.5F),
      patched_turned("frustum", cone(0.5F, 0.2F, 0.4F, kOrigin), 0.5F, 0.2F, 0.4F),
      patched_turned("widening frustum", cone(0.1F, 0.4F, 0.3F, kOrigin), 0.1F, 0.4F, 0.3F),
      patched_turned("tip", cone(0.5F, 0, 0.4F, kOrigin), 0.5F, 0, 0.4F),
      {"sphere", sphere(0.9F, kOrigin), {turned_arc(0, 0, 0.9F, -kPi / 2, kPi / 2)}},
      {"capsule",
       capsule(0.3F, 0.4F, kOrigin),
       {turned_arc(0, 0.4F, 0.3F, 0, kPi / 2), turned({0.3F, -0.4F}, {0.3F, 0.4F}),
        turned_arc(0, -0.4F, 0.3F, -kPi / 2, 0)}},
      {"torus", torus(0.6F, 0.2F, kOrigin), {turned_arc(0.6F, 0, 0.2F, 0, 2 * kPi)}, 0.3F},
      patched_prism(0.5F, 0.3F),
      patched_trapezoid("trapezoid", {0.5F, 0.3F, 0.2F}, 0.3F),
      patched_trapezoid("widening trapezoid", {0.5F, 0.3F, 0.2F}, 0.7F),
      patched_trapezoid("gable", {0.5F, 0.3F, 0.2F}, 0)};
  return made;
}

TEST(SignedDistance, CountsTheStepsTakenAlongEveryNormal) {
  const Eigen::Matrix3f rotation = turn_about(0, 40.0F) * turn_about(1, 110.0F);
  const Vec3 offset(0.4F, -0.2F, 0.1F);
  for (const Patched& shape : patched_primitives()) {
    const Primitive placed = moved(rotated(shape.primitive, rotation), offset);
    for (size_t i = 0; i < shape.patches.size(); ++i) {
      for (const float u : {0.2F, 0.45F, 0.8F}) {
        for (const float v : {0.2F, 0.37F, 0.8F}) {
          const SurfacePoint on = shape.patches[i](u, v);
          for (const float step : {-0.01F, 0.0F, 0.02F, 0.3F, shape.farthest}) {
            const Vec3 point = rotation * (on.position + step * on.normal) + offset;
            EXPECT_NEAR(signed_distance(placed, point), -step, 2e-6F)
                << shape.name << ", patch " << i << " at " << u << ", " << v;
          }
        }
      }
    }
  }
}

TEST(SignedDistance, NeverDiffersByMoreThanTwoPointsAreApart) {
  Random random(3);
  for (const Sample& sample : placed_primitives()) {
    for (const Vec3& from : points_around(sample.primitive, 500)) {
      const float reach = std::pow(10.0F, random.uniform(-3, 0.3F));
      const Vec3 to =
          from + reach * Vec3(random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1));
      EXPECT_LE(
          std::abs(signed_distance(sample.primitive, from) - signed_distance(sample.primitive, to)),
          (from - to).norm() + 1e-6F)
          << sample.name;
    }
  }
}

TEST(SignedDistance, IsPositiveOverTheVolumeOfTheClosedForm) {
  constexpr int kPoints = 40000;
  for (const Sample& sample : placed_primitives()) {
    int num_inside = 0;
    for (const Vec3& point : points_around(sample.primitive, kPoints)) {
      num_inside += signed_distance(sample.primitive, point) > 0 ? 1 : 0;
    }
    const double share = sample.volume / std::pow(2.4, 3);
    const double deviation = std::sqrt(share * (1 - share) / kPoints);
    EXPECT_NEAR(static_cast<double>(num_inside) / kPoints, share, 4 * deviation) << sample.name;
  }
}

TEST(SignedDistance, AtTheCentreIsThatOfTheNearestSide) {
  for (const Sample& sample : placed_primitives()) {
    EXPECT_NEAR(signed_distance(sample.primitive, sample.primitive.center), sample.depth, 1e-6F)
        << sample.name;
  }
}

TEST(SignedDistance, TurnsWithTheShape) {
  const Eigen::Matrix3f rotation = turn_about(2, 33.0F) * turn_about(0, -80.0F);
  for (const Sample& sample : upright_primitives()) {
    const Primitive turned_shape = rotated(sample.primitive, rotation);
    for (const Vec3& point : points_around(sample.primitive, 100)) {
      EXPECT_NEAR(signed_distance(turned_shape, rotation * point),
                  signed_distance(sample.primitive, point), 2e-6F)
          << sample.name;
    }
  }
}

// The smallest turn about Y that maps each shape onto itself; what AssetBuilder's pairs rely on is
// the half turn and the mirror, which every shape has.
TEST(SignedDistance, HasTheSymmetryOfItsShape) {
  const auto expect_symmetric = [](const Primitive& shape, float degrees) {
    const Eigen::Matrix3f turn = turn_about(1, degrees);
    for (const Vec3& point : points_around(shape, 200)) {
      const float distance = signed_distance(shape, point);
      EXPECT_NEAR(signed_distance(shape, turn * point), distance, 2e-6F);
      EXPECT_NEAR(signed_distance(shape, Vec3(-point.x(), point.y(), point.z())), distance, 2e-6F);
    }
  };
  for (const Primitive& round : {cylinder(0.4F, 0.5F, kOrigin), cone(0.5F, 0.2F, 0.4F, kOrigin),
                                 capsule(0.3F, 0.4F, kOrigin), torus(0.6F, 0.2F, kOrigin)}) {
    expect_symmetric(round, 17.0F);
  }
  expect_symmetric(prism(0.5F, 0.3F, kOrigin), 60.0F);
  expect_symmetric(box({0.5F, 0.3F, 0.5F}, kOrigin), 90.0F);
  expect_symmetric(trapezoid({0.5F, 0.3F, 0.2F}, 0.1F, kOrigin), 180.0F);
}

void expect_same_distances(const Primitive& a, const Primitive& b, float tolerance) {
  for (const Vec3& point : points_around(a, 500)) {
    EXPECT_NEAR(signed_distance(a, point), signed_distance(b, point), tolerance)
        << point.transpose();
  }
}

TEST(SignedDistance, AgreesWhereOneShapeTurnsIntoAnother) {
  const Vec3 half(0.5F, 0.3F, 0.2F);
  expect_same_distances(cone(0.4F, 0.4F, 0.5F, kOrigin), cylinder(0.4F, 0.5F, kOrigin), 1e-6F);
  expect_same_distances(cone(0.4F, 1e-6F, 0.5F, kOrigin), cone(0.4F, 0, 0.5F, kOrigin), 2e-6F);
  expect_same_distances(capsule(0.4F, 1e-6F, kOrigin), sphere(0.4F, kOrigin), 2e-6F);
  expect_same_distances(trapezoid(half, half.x(), kOrigin), box(half, kOrigin), 1e-6F);
  expect_same_distances(trapezoid(half, 1e-6F, kOrigin), trapezoid(half, 0, kOrigin), 2e-6F);
  expect_same_distances(rounded_box(half, 1e-6F, kOrigin), box(half, kOrigin), 2e-6F);
  expect_same_distances(rounded_box(Vec3::Constant(0.4F), 0.4F - 1e-6F, kOrigin),
                        sphere(0.4F, kOrigin), 4e-6F);
  // Upside down.
  expect_same_distances(rotated(cone(0.5F, 0.2F, 0.4F, kOrigin), turn_about(0, 180.0F)),
                        cone(0.2F, 0.5F, 0.4F, kOrigin), 2e-6F);
  expect_same_distances(rotated(trapezoid(half, 0.2F, kOrigin), turn_about(2, 180.0F)),
                        trapezoid({0.2F, 0.3F, 0.2F}, 0.5F, kOrigin), 2e-6F);
}

TEST(SignedDistance, OfASmallerShapeIsSmaller) {
  const float inscribed = 0.5F * std::sqrt(3.0F) / 2;
  const std::vector<std::vector<Primitive>> nested = {
      {cylinder(inscribed, 0.3F, kOrigin), prism(0.5F, 0.3F, kOrigin),
       cylinder(0.5F, 0.3F, kOrigin)},
      {sphere(0.3F, kOrigin), capsule(0.3F, 0.4F, kOrigin), cylinder(0.3F, 0.7F, kOrigin)},
      {trapezoid(Vec3::Constant(0.4F), 0, kOrigin), trapezoid(Vec3::Constant(0.4F), 0.3F, kOrigin),
       box(Vec3::Constant(0.4F), kOrigin)},
      {rounded_box(Vec3::Constant(0.4F), 0.3F, kOrigin),
       rounded_box(Vec3::Constant(0.4F), 0.1F, kOrigin), box(Vec3::Constant(0.4F), kOrigin)},
      {torus(0.6F, 0.1F, kOrigin), torus(0.6F, 0.2F, kOrigin), cylinder(0.8F, 0.2F, kOrigin)}};
  for (const std::vector<Primitive>& chain : nested) {
    for (const Vec3& point : points_around(chain[0], 500)) {
      EXPECT_LE(signed_distance(chain[0], point), signed_distance(chain[1], point) + 1e-6F);
      EXPECT_LE(signed_distance(chain[1], point), signed_distance(chain[2], point) + 1e-6F);
    }
  }
}

TEST(MeshOf, HasTheAreaOfTheClosedForm) {
  for (const Sample& sample : placed_primitives()) {
    EXPECT_NEAR(mesh::surface_area(mesh_of(sample.primitive)), sample.area, 0.004 * sample.area)
        << sample.name;
  }
}

TEST(MeshOf, IsOneManifoldWithTheShapesHoles) {
  for (const Sample& sample : upright_primitives()) {
    const mesh::TriangleMesh mesh = mesh_of(sample.primitive);
    EXPECT_TRUE(moca::testing::has_one_ring_per_vertex(mesh)) << sample.name;
    EXPECT_EQ(moca::testing::euler_number(mesh), sample.name == "torus" ? 0 : 2) << sample.name;
  }
}

TEST(MeshOf, MovesItsVerticesWithTheShape) {
  const Eigen::Matrix3f rotation = turn_about(1, 70.0F) * turn_about(2, 20.0F);
  const Vec3 offset(0.1F, 0.2F, -0.3F);
  for (const Sample& sample : upright_primitives()) {
    const mesh::TriangleMesh before = mesh_of(sample.primitive);
    const mesh::TriangleMesh after = mesh_of(moved(rotated(sample.primitive, rotation), offset));
    ASSERT_EQ(after.faces, before.faces) << sample.name;
    for (size_t i = 0; i < before.vertices.size(); ++i) {
      EXPECT_LT((after.vertices[i] - (rotation * before.vertices[i] + offset)).norm(), 1e-6F);
    }
  }
}

TEST(Mirrored, TwiceIsTheShapeItself) {
  for (const Sample& sample : placed_primitives()) {
    for (int axis = 0; axis < 3; ++axis) {
      const Primitive twice = mirrored(mirrored(sample.primitive, axis), axis);
      EXPECT_EQ(twice.center, sample.primitive.center);
      EXPECT_EQ(twice.rotation, sample.primitive.rotation);
      const mesh::Box box = bounds_of(sample.primitive);
      const mesh::Box image = bounds_of(mirrored(sample.primitive, axis));
      EXPECT_NEAR(image.low[axis], -box.high[axis], 1e-6F) << sample.name;
      EXPECT_NEAR(image.high[axis], -box.low[axis], 1e-6F) << sample.name;
    }
  }
}

TEST(BoundsOf, IsNeverLeftByTheShape) {
  for (const Sample& sample : placed_primitives()) {
    const mesh::Box box = bounds_of(sample.primitive);
    for (const Vec3& point : points_around(sample.primitive, 500)) {
      const Vec3 beyond = (point - box.high).cwiseMax(box.low - point).cwiseMax(0.0F);
      const float distance = signed_distance(sample.primitive, point);
      EXPECT_LE(beyond.norm() > 0 ? distance : 0.0F, -beyond.norm() + 1e-6F) << sample.name;
    }
    for (const Vec3& vertex : mesh_of(sample.primitive).vertices) {
      EXPECT_LE((vertex - box.high).maxCoeff(), 1e-6F) << sample.name;
      EXPECT_LE((box.low - vertex).maxCoeff(), 1e-6F) << sample.name;
    }
  }
}

}  // namespace
}  // namespace moca::procedural
