#pragma once

#include <Eigen/Core>
#include <vector>

#include "moca/procedural/primitives.h"

namespace moca::procedural {

using Vec2 = Eigen::Vector2f;

// The flat outline an extruded shape (kPrism, kTrapezoid) is swept from: convex, counter-clockwise,
// in (Z, X) for a prism and in (X, Y) for a trapezoid.
std::vector<Vec2> extruded_outline(const Primitive& primitive);

// The line a cylinder or cone is turned from: (radius, height) pairs from the lower to the upper
// pole.
std::vector<Vec2> turned_outline(const Primitive& primitive);

}  // namespace moca::procedural
