#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <stdexcept>

#include "moca/procedural/primitives.h"
#include "profiles.h"

namespace moca::procedural {
namespace {

using mesh::TriangleMesh;
constexpr float kPi = std::numbers::pi_v<float>;

// Segments of a full circle whose chords stay within kChordError; a multiple of 8.
int num_segments(float radius) {
  const float half_angle = std::acos(std::max(1.0F - kChordError / radius, 0.5F));
  const int needed = static_cast<int>(std::ceil(kPi / half_angle));
  return std::max((needed + 7) / 8 * 8, 24);
}

void add_quad(TriangleMesh& mesh, int a, int b, int c, int d) {
  mesh.faces.push_back({a, b, c});
  mesh.faces.push_back({a, c, d});
}

// Turns (radius, height) pairs about Y. The first and the last lie on the axis and become one
// vertex.
TriangleMesh turn(const std::vector<Vec2>& outline, int segments) {
  TriangleMesh mesh;
  const int num_rings = static_cast<int>(outline.size()) - 2;
  for (int ring = 1; ring <= num_rings; ++ring) {
    for (int i = 0; i < segments; ++i) {
      const float angle = 2.0F * kPi * static_cast<float>(i) / static_cast<float>(segments);
      mesh.vertices.emplace_back(outline[ring].x() * std::sin(angle), outline[ring].y(),
                                 outline[ring].x() * std::cos(angle));
    }
  }
  const int lower_pole = num_rings * segments;
  mesh.vertices.emplace_back(0, outline.front().y(), 0);
  mesh.vertices.emplace_back(0, outline.back().y(), 0);
  const int last_ring = (num_rings - 1) * segments;
  for (int i = 0; i < segments; ++i) {
    const int next = (i + 1) % segments;
    mesh.faces.push_back({lower_pole, next, i});
    mesh.faces.push_back({lower_pole + 1, last_ring + i, last_ring + next});
    for (int ring = 0; ring < last_ring; ring += segments) {
      add_quad(mesh, ring + i, ring + next, ring + segments + next, ring + segments + i);
    }
  }
  return mesh;
}

// A half circle from the lower to the upper pole, pulled apart by `half_height` at its middle.
std::vector<Vec2> arc(float radius, float half_height, int segments) {
  std::vector<Vec2> outline;
  const int half = segments / 2;
  for (int i = 0; i <= half; ++i) {
    const float angle = kPi * (static_cast<float>(i) / static_cast<float>(half) - 0.5F);
    const Vec2 point(radius * std::cos(angle), radius * std::sin(angle));
    if (2 * i <= half) {
      outline.emplace_back(point.x(), point.y() - half_height);
    }
    if (2 * i > half || (2 * i == half && half_height > 0)) {
      outline.emplace_back(point.x(), point.y() + half_height);
    }
  }
  return outline;
}

TriangleMesh torus_mesh(float ring_radius, float tube_radius) {
  TriangleMesh mesh;
  const int around = num_segments(ring_radius + tube_radius);
  const int across = num_segments(tube_radius);
  for (int i = 0; i < around; ++i) {
    const float turn = 2.0F * kPi * static_cast<float>(i) / static_cast<float>(around);
    const int ring = i * across;
    const int next_ring = (i + 1) % around * across;
    for (int j = 0; j < across; ++j) {
      const float tilt = 2.0F * kPi * static_cast<float>(j) / static_cast<float>(across);
      const float radius = ring_radius + tube_radius * std::cos(tilt);
      mesh.vertices.emplace_back(radius * std::sin(turn), tube_radius * std::sin(tilt),
                                 radius * std::cos(turn));
      const int next = (j + 1) % across;
      add_quad(mesh, ring + j, next_ring + j, next_ring + next, ring + next);
    }
  }
  return mesh;
}

TriangleMesh sweep_mesh(const Sweep& sweep) {
  TriangleMesh mesh;
  for (const float depth : {-sweep.half_depth, sweep.half_depth}) {
    for (const Vec2& corner : sweep.outline) {
      Vec3& vertex = mesh.vertices.emplace_back();
      vertex[sweep.axes[0]] = corner.x();
      vertex[sweep.axes[1]] = corner.y();
      vertex[sweep.axes[2]] = depth;
    }
  }
  const int count = static_cast<int>(sweep.outline.size());
  for (int i = 0; i < count; ++i) {
    const int next = (i + 1) % count;
    add_quad(mesh, i, next, count + next, count + i);
    if (i > 0 && next > 0) {
      mesh.faces.push_back({0, next, i});
      mesh.faces.push_back({count, count + i, count + next});
    }
  }
  return mesh;
}

// A vertex on the surface of a box, `key` its steps along the axes, as `box_mesh` counts them.
Vec3 box_vertex(const std::array<int, 3>& key, const Vec3& half_size, float edge, int steps) {
  Vec3 corner;
  Vec3 outward = Vec3::Zero();
  for (int axis = 0; axis < 3; ++axis) {
    const bool is_upper = key[axis] > steps;
    const int step = is_upper ? key[axis] - steps - 1 : steps - key[axis];
    const float inner = half_size[axis] - edge;
    corner[axis] = is_upper ? inner : -inner;
    if (steps > 0) {
      // Equal angles rather than equal lengths: the chords come out alike.
      const float length =
          std::tan(kPi / 4.0F * static_cast<float>(step) / static_cast<float>(steps));
      outward[axis] = is_upper ? length : -length;
    }
  }
  return steps > 0 ? Vec3(corner + edge * outward.normalized()) : corner;
}

// The surface of a box, its edges rounded by `edge` (0: sharp). Every side carries the same
// lattice: one cell on the flat, `steps` cells across each half edge, so neighbouring sides share
// vertices.
TriangleMesh box_mesh(const Vec3& half_size, float edge) {
  const int steps = edge > 0 ? num_segments(edge) / 8 : 0;
  const int last = 2 * steps + 1;
  TriangleMesh mesh;
  std::map<std::array<int, 3>, int> indices;
  const auto vertex = [&](int axis, int side, int u, int v) {
    std::array<int, 3> key{};
    key[axis] = side;
    key[(axis + 1) % 3] = u;
    key[(axis + 2) % 3] = v;
    const auto [entry, is_new] = indices.try_emplace(key, static_cast<int>(mesh.vertices.size()));
    if (is_new) {
      mesh.vertices.push_back(box_vertex(key, half_size, edge, steps));
    }
    return entry->second;
  };
  for (int axis = 0; axis < 3; ++axis) {
    for (int cell = 0; cell < last * last; ++cell) {
      const int u = cell / last;
      const int v = cell % last;
      for (const int side : {0, last}) {
        const int a = vertex(axis, side, u, v);
        const int b = vertex(axis, side, u + 1, v);
        const int c = vertex(axis, side, u + 1, v + 1);
        const int d = vertex(axis, side, u, v + 1);
        side == 0 ? add_quad(mesh, a, d, c, b) : add_quad(mesh, a, b, c, d);
      }
    }
  }
  return mesh;
}

TriangleMesh mesh_in_own_frame(const Primitive& primitive) {
  const int segments = num_segments(std::max({primitive.radius, primitive.minor, kChordError}));
  switch (primitive.shape) {
    case PrimitiveShape::kBox:
    case PrimitiveShape::kRoundedBox:
      return box_mesh(primitive.half_size, primitive.minor);
    case PrimitiveShape::kCylinder:
    case PrimitiveShape::kCone:
      return turn(turned_outline(primitive), segments);
    case PrimitiveShape::kSphere:
      return turn(arc(primitive.radius, 0, segments), segments);
    case PrimitiveShape::kCapsule:
      return turn(arc(primitive.radius, primitive.half_height, segments), segments);
    case PrimitiveShape::kTorus:
      return torus_mesh(primitive.radius, primitive.minor);
    case PrimitiveShape::kPrism:
    case PrimitiveShape::kTrapezoid:
      return sweep_mesh(sweep_of(primitive));
  }
  throw std::logic_error("primitive: unknown shape");
}

}  // namespace

TriangleMesh mesh_of(const Primitive& primitive) {
  TriangleMesh mesh = mesh_in_own_frame(primitive);
  for (Vec3& vertex : mesh.vertices) {
    vertex = primitive.rotation * vertex + primitive.center;
  }
  return mesh;
}

}  // namespace moca::procedural
