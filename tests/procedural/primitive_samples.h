#pragma once

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "moca/procedural/primitives.h"
#include "src/procedural/asset_builder.h"

namespace moca::procedural {

// What two directions of tessellation may add up to.
inline constexpr float kTessellation = 0.002F;

struct PrimitiveSample {
  std::string name;
  Primitive primitive;
  double volume = 0;  // in closed form
  double area = 0;    // in closed form
  float depth = 0;    // signed distance of its centre, in closed form
  bool is_convex = true;
};

// One or more of every shape in its own frame.
inline std::vector<PrimitiveSample> upright_primitives() {
  constexpr double kPi = std::numbers::pi;
  const Vec3 at = Vec3::Zero();
  const Vec3 sides(0.5F, 0.3F, 0.2F);
  const double edge = 0.1;
  const double flat = 2 * (0.32 + 0.16 + 0.08);  // area of the box of 0.8 x 0.4 x 0.2 in the middle
  // Steiner's formulas for that box grown by its edge radius.
  const double rounded = 0.8 * 0.4 * 0.2 + flat * edge + kPi * edge * edge * (0.8 + 0.4 + 0.2) +
                         4.0 / 3.0 * kPi * std::pow(edge, 3);
  const double rounded_area = flat + 2 * kPi * edge * 1.4 + 4 * kPi * edge * edge;
  const double slope = std::hypot(0.2, 0.6);  // of the trapezoids' sides
  return {
      {"box", box(sides, at), 8 * 0.5 * 0.3 * 0.2, 8 * (0.15 + 0.06 + 0.1), 0.2F},
      {"rounded box", rounded_box(sides, 0.1F, at), rounded, rounded_area, 0.2F},
      {"cylinder", cylinder(0.4F, 0.5F, at), kPi * 0.16, 2 * kPi * (0.16 + 0.4), 0.4F},
      {"frustum", cone(0.5F, 0.2F, 0.4F, at), kPi * 0.8 / 3 * (0.25 + 0.1 + 0.04),
       kPi * (0.29 + 0.7 * std::hypot(0.3, 0.8)), 0.35F * 0.8F / std::hypot(0.3F, 0.8F)},
      {"widening frustum", cone(0.1F, 0.4F, 0.3F, at), kPi * 0.6 / 3 * (0.01 + 0.04 + 0.16),
       kPi * (0.17 + 0.5 * std::hypot(0.3, 0.6)), 0.25F * 0.6F / std::hypot(0.3F, 0.6F)},
      {"tip", cone(0.5F, 0.0F, 0.4F, at), kPi * 0.8 / 3 * 0.25,
       kPi * (0.25 + 0.5 * std::hypot(0.5, 0.8)), 0.25F * 0.8F / std::hypot(0.5F, 0.8F)},
      {"sphere", sphere(0.9F, at), 4.0 / 3.0 * kPi * std::pow(0.9, 3), 4 * kPi * 0.81, 0.9F},
      {"capsule", capsule(0.3F, 0.4F, at), kPi * 0.09 * 0.8 + 4.0 / 3.0 * kPi * 0.027,
       4 * kPi * 0.09 + 2 * kPi * 0.3 * 0.8, 0.3F},
      {"torus", torus(0.6F, 0.2F, at), 2 * kPi * kPi * 0.6 * 0.04, 4 * kPi * kPi * 0.6 * 0.2, -0.4F,
       false},
      {"prism", prism(0.5F, 0.3F, at), 1.5 * std::sqrt(3.0) * 0.25 * 0.6,
       3 * std::sqrt(3.0) * 0.25 + 6 * 0.5 * 0.6, 0.3F},
      {"trapezoid", trapezoid(sides, 0.3F, at), 0.8 * 0.6 * 0.4,
       2 * 0.48 + (1.0 + 0.6 + 2 * slope) * 0.4, 0.2F},
      {"widening trapezoid", trapezoid(sides, 0.7F, at), 1.2 * 0.6 * 0.4,
       2 * 0.72 + (1.0 + 1.4 + 2 * slope) * 0.4, 0.2F},
      {"gable", trapezoid(sides, 0.0F, at), 0.5 * 0.6 * 0.4,
       2 * 0.3 + (1.0 + 2 * std::hypot(0.5, 0.6)) * 0.4, 0.25F * 0.6F / std::hypot(0.5F, 0.6F)},
  };
}

// The same, turned and moved away from the origin.
inline std::vector<PrimitiveSample> placed_primitives() {
  std::vector<PrimitiveSample> samples = upright_primitives();
  for (PrimitiveSample& sample : samples) {
    sample.primitive =
        moved(rotated(sample.primitive,
                      turn_about(0, 25.0F) * turn_about(1, -50.0F) * turn_about(2, 70.0F)),
              {0.2F, -0.1F, 0.3F});
  }
  return samples;
}

// Evenly in a box of half side 1.2 about the primitive.
inline std::vector<Vec3> points_around(const Primitive& primitive, int count) {
  Random random(7);
  std::vector<Vec3> points;
  for (int i = 0; i < count; ++i) {
    Vec3& point = points.emplace_back(primitive.center);
    for (float& coordinate : point) {
      coordinate += random.uniform(-1.2F, 1.2F);
    }
  }
  return points;
}

}  // namespace moca::procedural
