#pragma once

#include <Eigen/Geometry>
#include <algorithm>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

inline Vec3 closest_point_on_segment(const Vec3& p, const Vec3& a, const Vec3& b) {
  const Vec3 ab = b - a;
  const float length = ab.squaredNorm();
  if (!(length > 0)) {
    return a;
  }
  const float t = (p - a).dot(ab) / length;
  return a + ab * std::min(std::max(t, 0.0F), 1.0F);
}

// The point of triangle abc nearest to p, also for triangles that are a segment or a point.
inline Vec3 closest_point_on_triangle(const Vec3& p, const Vec3& a, const Vec3& b, const Vec3& c) {
  const Vec3 ab = b - a;
  const Vec3 ac = c - a;
  const Vec3 normal = ab.cross(ac);
  const float area = normal.squaredNorm();
  // Inside the prism over the triangle the foot of the perpendicular is the answer; a float cross
  // product of a sliver is mostly rounding, so slivers are left to their edges.
  if (area > 1e-10F * ab.squaredNorm() * ac.squaredNorm()) {
    const Vec3 ap = p - a;
    const float u = ap.cross(ac).dot(normal);
    const float v = ab.cross(ap).dot(normal);
    if (u >= 0 && v >= 0 && u + v <= area) {
      return a + ab * (u / area) + ac * (v / area);
    }
  }
  return std::min({closest_point_on_segment(p, a, b), closest_point_on_segment(p, b, c),
                   closest_point_on_segment(p, c, a)},
                  [&](const Vec3& one, const Vec3& other) {
                    return (one - p).squaredNorm() < (other - p).squaredNorm();
                  });
}

}  // namespace moca::mesh
