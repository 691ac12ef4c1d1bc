#pragma once

#include <Eigen/Core>

#include "moca/mesh/triangle_mesh.h"

namespace moca::procedural {

using mesh::Vec3;

enum class PrimitiveShape {
  kBox,
  kRoundedBox,
  kCylinder,
  kCone,  // capped: both ends are discs, the upper one may shrink to a tip
  kSphere,
  kCapsule,
  kTorus,
  kPrism,      // regular hexagon along Y
  kTrapezoid,  // symmetric trapezoid in XY along Z; a triangle when its upper edge shrinks to
               // nothing
};

// One solid shape in its own frame (centred, round shapes about Y), placed by a rotation and a
// centre. A shape reads only the sizes its maker below asks for.
struct Primitive {
  PrimitiveShape shape = PrimitiveShape::kBox;
  Vec3 half_size = Vec3::Zero();  // of boxes and trapezoids, along X, Y, Z
  float radius = 0;               // of round shapes; a cone's lower disc, a torus' ring
  float minor = 0;  // a cone's upper radius, a torus' tube, the radius of a rounded box's edges,
                    // half the upper edge of a trapezoid
  float half_height = 0;  // along Y; of a capsule: of its straight piece
  Eigen::Matrix3f rotation = Eigen::Matrix3f::Identity();  // world from own frame
  Vec3 center = Vec3::Zero();
};

// Makers. Sizes that cannot be (not positive, a tube as wide as its ring) break the contract.
Primitive box(const Vec3& half_size, const Vec3& center);
Primitive rounded_box(const Vec3& half_size, float edge_radius, const Vec3& center);
Primitive cylinder(float radius, float half_height, const Vec3& center);
Primitive cone(float lower_radius, float upper_radius, float half_height, const Vec3& center);
Primitive sphere(float radius, const Vec3& center);
Primitive capsule(float radius, float half_height, const Vec3& center);
Primitive torus(float ring_radius, float tube_radius, const Vec3& center);
Primitive prism(float corner_radius, float half_height, const Vec3& center);
Primitive trapezoid(const Vec3& half_size, float upper_half_width, const Vec3& center);

// The same shape turned about its own centre, moved, scaled about the origin, or mirrored through
// the plane where coordinate `axis` is 0 (every shape is symmetric in its own X and Z).
Primitive rotated(Primitive primitive, const Eigen::Matrix3f& rotation);
Primitive moved(Primitive primitive, const Vec3& offset);
Primitive scaled(Primitive primitive, float factor);
Primitive mirrored(Primitive primitive, int axis);

// Exact Euclidean distance to the surface, positive inside.
float signed_distance(const Primitive& primitive, const Vec3& point);

// The tight axis-aligned box around the shape.
mesh::Box bounds_of(const Primitive& primitive);

// How far a tessellated round shape may lie from the exact one in each of its two directions.
inline constexpr float kChordError = 0.0009F;

// A closed mesh, faces outward, vertices shared, on the surface.
mesh::TriangleMesh mesh_of(const Primitive& primitive);

}  // namespace moca::procedural
