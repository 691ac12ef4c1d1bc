#pragma once

#include <array>
#include <cstdint>

namespace moca::mesh {

// Corner (dx, dy, dz) of a cell has number dx + 2 dy + 4 dz. Edge 4 * axis + first + 2 * second
// runs along `axis`; first and second are its offsets along the other two axes, the lower axis
// first.
struct CellEdge {
  int axis = 0;
  std::array<int, 3> offset{};  // of its lower end from the cell's lowest corner
};
CellEdge cell_edge(int edge);

inline constexpr int kMaxCellTriangles = 5;
struct CellCase {
  uint16_t edges = 0;  // bit e: the surface crosses edge e
  uint8_t num_triangles = 0;
  std::array<std::array<uint8_t, 3>, kMaxCellTriangles> triangles{};  // edges that hold the corners
};

// The triangles of all 256 ways in which the corners of a cell can be inside (bit c: corner c is).
// On a face whose diagonal corners are inside, these two are kept apart: neighbouring cells see the
// same four signs and so agree. No triangle side but the loops' own lies in a face of the cell, so
// an edge of the mesh never belongs to more than two triangles.
const std::array<CellCase, 256>& cell_cases();

}  // namespace moca::mesh
