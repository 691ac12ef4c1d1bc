#include "moca/procedural/primitives.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "profiles.h"

namespace moca::procedural {
namespace {

void require(bool valid, const char* rule, float a, float b) {
  if (!valid) {
    throw std::logic_error(std::string("primitive: ") + rule + ", got " + std::to_string(a) +
                           " and " + std::to_string(b));
  }
}

Primitive round_shape(PrimitiveShape shape, float radius, float minor, float half_height,
                      const Vec3& at) {
  require(radius > 0 && half_height > 0, "radius and half height must be positive", radius,
          half_height);
  return {
      .shape = shape, .radius = radius, .minor = minor, .half_height = half_height, .center = at};
}

Primitive flat_sided(PrimitiveShape shape, const Vec3& half_size, float minor, const Vec3& center) {
  require(half_size.minCoeff() > 0, "half sizes must be positive", half_size.minCoeff(),
          half_size.maxCoeff());
  return {.shape = shape, .half_size = half_size, .minor = minor, .center = center};
}

float distance_to_segment(const Vec2& a, const Vec2& b, const Vec2& point) {
  const Vec2 along = b - a;
  const float length_squared = along.squaredNorm();
  const float t =
      length_squared > 0 ? std::clamp((point - a).dot(along) / length_squared, 0.0F, 1.0F) : 0.0F;
  return (point - a - t * along).norm();
}

// Signed distance to a convex outline, positive on the left of all its edges. An open outline has
// no edge from its last corner to its first: for turned shapes that edge is the axis, not a
// surface.
float distance_to_outline(const std::vector<Vec2>& corners, bool closed, const Vec2& point) {
  const size_t num_edges = closed ? corners.size() : corners.size() - 1;
  float nearest = std::numeric_limits<float>::max();
  bool inside = true;
  for (size_t i = 0; i < num_edges; ++i) {
    const Vec2& a = corners[i];
    const Vec2& b = corners[(i + 1) % corners.size()];
    nearest = std::min(nearest, distance_to_segment(a, b, point));
    const Vec2 edge = b - a;
    const Vec2 offset = point - a;
    inside = inside && edge.x() * offset.y() - edge.y() * offset.x() >= 0;
  }
  return inside ? nearest : -nearest;
}

// Exact, because the nearest point is found in the outline and along the sweep by itself.
float distance_to_swept(const Sweep& sweep, const Vec3& p) {
  const float flat = distance_to_outline(sweep.outline, true, sweep.flat(p));
  const float depth = sweep.half_depth - std::abs(p[sweep.axes[2]]);
  if (flat >= 0 && depth >= 0) {
    return std::min(flat, depth);
  }
  return -std::hypot(std::max(-flat, 0.0F), std::max(-depth, 0.0F));
}

float distance_to_box(const Vec3& half_size, const Vec3& p) {
  const Vec3 beyond = p.cwiseAbs() - half_size;
  return -beyond.cwiseMax(0.0F).norm() - std::min(beyond.maxCoeff(), 0.0F);
}

// Largest dot product of `direction` with a corner of the outline.
float support(const std::vector<Vec2>& outline, const Vec2& direction) {
  const auto along = [&](const Vec2& corner) { return direction.dot(corner); };
  return along(*std::ranges::max_element(outline, {}, along));
}

// Largest dot product of `direction` (own frame) with a point of the shape.
float support(const Primitive& primitive, const Vec3& direction) {
  const float across = std::hypot(direction.x(), direction.z());
  switch (primitive.shape) {
    case PrimitiveShape::kBox:
    case PrimitiveShape::kRoundedBox:
      return direction.cwiseAbs().dot(primitive.half_size - Vec3::Constant(primitive.minor)) +
             primitive.minor;
    case PrimitiveShape::kCylinder:
    case PrimitiveShape::kCone:
      return support(turned_outline(primitive), Vec2(across, direction.y()));
    case PrimitiveShape::kSphere:
      return primitive.radius;
    case PrimitiveShape::kCapsule:
      return primitive.radius + std::abs(direction.y()) * primitive.half_height;
    case PrimitiveShape::kTorus:
      return primitive.radius * across + primitive.minor;
    case PrimitiveShape::kPrism:
    case PrimitiveShape::kTrapezoid: {
      const Sweep sweep = sweep_of(primitive);
      return support(sweep.outline, sweep.flat(direction)) +
             std::abs(direction[sweep.axes[2]]) * sweep.half_depth;
    }
  }
  throw std::logic_error("primitive: unknown shape");
}

}  // namespace

Primitive box(const Vec3& half_size, const Vec3& center) {
  return flat_sided(PrimitiveShape::kBox, half_size, 0, center);
}

Primitive rounded_box(const Vec3& half_size, float edge_radius, const Vec3& center) {
  require(edge_radius > 0 && edge_radius < half_size.minCoeff(),
          "edges of a rounded box must be less than its smallest half size", edge_radius,
          half_size.minCoeff());
  return flat_sided(PrimitiveShape::kRoundedBox, half_size, edge_radius, center);
}

Primitive cylinder(float radius, float half_height, const Vec3& center) {
  return round_shape(PrimitiveShape::kCylinder, radius, 0, half_height, center);
}

Primitive cone(float lower_radius, float upper_radius, float half_height, const Vec3& center) {
  require(upper_radius >= 0, "upper radius must not be negative", upper_radius, lower_radius);
  return round_shape(PrimitiveShape::kCone, lower_radius, upper_radius, half_height, center);
}

Primitive sphere(float radius, const Vec3& center) {
  return round_shape(PrimitiveShape::kSphere, radius, 0, radius, center);
}

Primitive capsule(float radius, float half_height, const Vec3& center) {
  return round_shape(PrimitiveShape::kCapsule, radius, 0, half_height, center);
}

Primitive torus(float ring_radius, float tube_radius, const Vec3& center) {
  require(tube_radius > 0 && tube_radius < ring_radius, "tube must be thinner than its ring",
          tube_radius, ring_radius);
  return round_shape(PrimitiveShape::kTorus, ring_radius, tube_radius, tube_radius, center);
}

Primitive prism(float corner_radius, float half_height, const Vec3& center) {
  return round_shape(PrimitiveShape::kPrism, corner_radius, 0, half_height, center);
}

Primitive trapezoid(const Vec3& half_size, float upper_half_width, const Vec3& center) {
  require(upper_half_width >= 0, "upper edge must not be negative", upper_half_width,
          half_size.x());
  return flat_sided(PrimitiveShape::kTrapezoid, half_size, upper_half_width, center);
}

Primitive rotated(Primitive primitive, const Eigen::Matrix3f& rotation) {
  primitive.rotation = rotation * primitive.rotation;
  return primitive;
}

Primitive moved(Primitive primitive, const Vec3& offset) {
  primitive.center += offset;
  return primitive;
}

Primitive scaled(Primitive primitive, float factor) {
  require(factor > 0, "scale must be positive", factor, factor);
  primitive.half_size *= factor;
  primitive.radius *= factor;
  primitive.minor *= factor;
  primitive.half_height *= factor;
  primitive.center *= factor;
  return primitive;
}

Primitive mirrored(Primitive primitive, int axis) {
  // The shape's own mirror (X to -X) turns the improper M R back into a rotation M R diag(-1, 1,
  // 1).
  primitive.center[axis] = -primitive.center[axis];
  primitive.rotation.row(axis) = -primitive.rotation.row(axis);
  primitive.rotation.col(0) = -primitive.rotation.col(0);
  return primitive;
}

float signed_distance(const Primitive& primitive, const Vec3& point) {
  const Vec3 p = primitive.rotation.transpose() * (point - primitive.center);  // in its own frame
  const Vec2 turned(std::hypot(p.x(), p.z()), p.y());
  switch (primitive.shape) {
    case PrimitiveShape::kBox:
      return distance_to_box(primitive.half_size, p);
    case PrimitiveShape::kRoundedBox:
      return distance_to_box(primitive.half_size - Vec3::Constant(primitive.minor), p) +
             primitive.minor;
    case PrimitiveShape::kCylinder:
    case PrimitiveShape::kCone:
      return distance_to_outline(turned_outline(primitive), false, turned);
    case PrimitiveShape::kSphere:
      return primitive.radius - p.norm();
    case PrimitiveShape::kCapsule: {
      const float height = std::clamp(p.y(), -primitive.half_height, primitive.half_height);
      return primitive.radius - (p - Vec3(0, height, 0)).norm();
    }
    case PrimitiveShape::kTorus:
      return primitive.minor - std::hypot(turned.x() - primitive.radius, p.y());
    case PrimitiveShape::kPrism:
    case PrimitiveShape::kTrapezoid:
      return distance_to_swept(sweep_of(primitive), p);
  }
  throw std::logic_error("primitive: unknown shape");
}

mesh::Box bounds_of(const Primitive& primitive) {
  mesh::Box bounds;
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 direction = primitive.rotation.row(axis).transpose();
    bounds.high[axis] = primitive.center[axis] + support(primitive, direction);
    bounds.low[axis] = primitive.center[axis] - support(primitive, -direction);
  }
  return bounds;
}

Sweep sweep_of(const Primitive& primitive) {
  if (primitive.shape == PrimitiveShape::kTrapezoid) {
    const Vec3& half = primitive.half_size;
    const float upper = primitive.minor;
    std::vector<Vec2> outline = {{-half.x(), -half.y()}, {half.x(), -half.y()}, {upper, half.y()}};
    if (upper > 0) {
      outline.emplace_back(-upper, half.y());
    }
    return {outline, {0, 1, 2}, half.z()};
  }
  std::vector<Vec2> outline;
  for (int corner = 0; corner < 6; ++corner) {
    const float angle = static_cast<float>(corner) * std::numbers::pi_v<float> / 3.0F;
    outline.emplace_back(primitive.radius * std::cos(angle), primitive.radius * std::sin(angle));
  }
  return {outline, {2, 0, 1}, primitive.half_height};
}

std::vector<Vec2> turned_outline(const Primitive& primitive) {
  const float height = primitive.half_height;
  const float upper =
      primitive.shape == PrimitiveShape::kCylinder ? primitive.radius : primitive.minor;
  std::vector<Vec2> outline = {Vec2(0, -height), Vec2(primitive.radius, -height)};
  if (upper > 0) {
    outline.emplace_back(upper, height);
  }
  outline.emplace_back(0, height);
  return outline;
}

}  // namespace moca::procedural
