#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::testing {

// V - E + F.
inline int64_t euler_number(const mesh::TriangleMesh& mesh) {
  std::set<std::pair<int32_t, int32_t>> edges;
  for (const auto& face : mesh.faces) {
    for (int i = 0; i < 3; ++i) {
      edges.insert(std::minmax(face[i], face[(i + 1) % 3]));
    }
  }
  return static_cast<int64_t>(mesh.vertices.size()) - static_cast<int64_t>(edges.size()) +
         static_cast<int64_t>(mesh.faces.size());
}

// True when the faces round every vertex of a closed mesh form one ring, so that no two pieces of
// surface touch in a point, and every vertex has such a ring.
inline bool has_one_ring_per_vertex(const mesh::TriangleMesh& mesh) {
  std::vector<std::map<int32_t, int32_t>> next(mesh.vertices.size());  // along the ring
  for (const auto& face : mesh.faces) {
    for (int i = 0; i < 3; ++i) {
      next[face[i]][face[(i + 1) % 3]] = face[(i + 2) % 3];
    }
  }
  return std::all_of(next.begin(), next.end(), [](const std::map<int32_t, int32_t>& ring) {
    if (ring.empty()) {
      return false;
    }
    size_t length = 0;
    int32_t at = ring.begin()->first;
    do {
      const auto step = ring.find(at);
      if (step == ring.end()) {
        return false;
      }
      at = step->second;
      ++length;
    } while (at != ring.begin()->first && length <= ring.size());
    return length == ring.size();
  });
}

using TriangleCorners = std::array<std::array<float, 3>, 3>;

// The triangles by their positions, each starting at its lowest corner, sorted: equal for meshes
// that differ only in the order of vertices and faces.
inline std::vector<TriangleCorners> sorted_triangles(const mesh::TriangleMesh& mesh) {
  std::vector<TriangleCorners> triangles;
  for (const auto& face : mesh.faces) {
    TriangleCorners corners;
    for (int i = 0; i < 3; ++i) {
      const mesh::Vec3& point = mesh.vertices[face[i]];
      corners[i] = {point.x(), point.y(), point.z()};
    }
    std::rotate(corners.begin(), std::min_element(corners.begin(), corners.end()), corners.end());
    triangles.push_back(corners);
  }
  std::sort(triangles.begin(), triangles.end());
  return triangles;
}

}  // namespace moca::testing
