#pragma once

#include "moca/procedural/primitives.h"

namespace moca::procedural {

using Vec2 = Eigen::Vector2f;

// A prism or trapezoid: a flat outline swept along an axis.
struct Sweep {
  std::vector<Vec2> outline;  // convex, counter-clockwise
  std::array<int, 3> axes;    // of the outline's two coordinates, and of the sweep
  float half_depth = 0;

  Vec2 flat(const Vec3& vector) const { return {vector[axes[0]], vector[axes[1]]}; }
};
Sweep sweep_of(const Primitive& primitive);

// The line a cylinder or cone is turned from: (radius, height) pairs from the lower to the upper
// pole.
std::vector<Vec2> turned_outline(const Primitive& primitive);

}  // namespace moca::procedural
