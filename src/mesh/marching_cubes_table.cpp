#include "marching_cubes_table.h"

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace moca::mesh {
namespace {

using Loop = std::vector<int>;  // edges of a cell, in order round a piece of surface
using CellTriangles = std::vector<std::array<int, 3>>;

int edge_between(int corner_a, int corner_b) {
  const int differing = corner_a ^ corner_b;
  const int low = corner_a & corner_b;
  switch (differing) {
    case 1:
      return 0 + ((low >> 1) & 1) + 2 * ((low >> 2) & 1);
    case 2:
      return 4 + (low & 1) + 2 * ((low >> 2) & 1);
    case 4:
      return 8 + (low & 1) + 2 * ((low >> 1) & 1);
    default:
      throw std::logic_error("corners " + std::to_string(corner_a) + " and " +
                             std::to_string(corner_b) + " of a cell share no edge");
  }
}

// The four corners of a face, counter-clockwise seen from outside the cell.
std::array<int, 4> face_corners(int axis, int side) {
  const int u = 1 << ((axis + 1) % 3);
  const int v = 1 << ((axis + 2) % 3);
  const int base = side << axis;
  if (side == 1) {
    return {base, base + u, base + u + v, base + v};
  }
  return {base, base + v, base + u + v, base + u};
}

// Follows each face's border: where it enters the inside, the surface starts, and it ends where the
// border next leaves the inside. next[edge] is the edge that a directed segment leads to, -1 none.
std::array<int, 12> link_segments(int inside) {
  std::array<int, 12> next{};
  next.fill(-1);
  for (int face = 0; face < 6; ++face) {
    const auto corners = face_corners(face / 2, face % 2);
    const auto is_inside = [&](int i) { return ((inside >> corners[i % 4]) & 1) != 0; };
    for (int i = 0; i < 4; ++i) {
      if (is_inside(i) || !is_inside(i + 1)) {
        continue;
      }
      int last = i + 1;
      while (is_inside(last + 1)) {
        ++last;
      }
      next[edge_between(corners[i], corners[(i + 1) % 4])] =
          edge_between(corners[last % 4], corners[(last + 1) % 4]);
    }
  }
  return next;
}

std::vector<Loop> trace_loops(int inside) {
  std::array<int, 12> next = link_segments(inside);
  std::vector<Loop> loops;
  for (int start = 0; start < 12; ++start) {
    Loop loop;
    for (int edge = start; next[edge] >= 0;) {
      loop.push_back(edge);
      const int following = next[edge];
      next[edge] = -1;
      edge = following;
    }
    if (!loop.empty()) {
      loops.push_back(loop);
    }
  }
  return loops;
}

// True when both edges lie in one face of the cell.
bool share_face(int edge_a, int edge_b) {
  const CellEdge a = cell_edge(edge_a);
  const CellEdge b = cell_edge(edge_b);
  for (int axis = 0; axis < 3; ++axis) {
    if (axis != a.axis && axis != b.axis && a.offset[axis] == b.offset[axis]) {
      return true;
    }
  }
  return false;
}

// Squared distance between the middles of two edges, times four.
int middle_distance(int edge_a, int edge_b) {
  const CellEdge a = cell_edge(edge_a);
  const CellEdge b = cell_edge(edge_b);
  int sum = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const int difference = 2 * (a.offset[axis] - b.offset[axis]) +
                           static_cast<int>(a.axis == axis) - static_cast<int>(b.axis == axis);
    sum += difference * difference;
  }
  return sum;
}

constexpr int kForbidden = 1 << 20;

// Splits loop[first..last] into triangles with the shortest diagonals that lie in no face; returns
// their total length, kForbidden or more when there is no such split.
int triangulate_loop(const Loop& loop, int first, int last, CellTriangles& triangles) {
  if (last - first < 2) {
    return 0;
  }
  int best = std::numeric_limits<int>::max();
  CellTriangles best_triangles;
  for (int apex = first + 1; apex < last; ++apex) {
    CellTriangles found = {{loop[first], loop[apex], loop[last]}};
    int cost = 0;
    for (const auto& [from, to] : {std::pair(first, apex), std::pair(apex, last)}) {
      if (to - from > 1) {
        cost +=
            share_face(loop[from], loop[to]) ? kForbidden : middle_distance(loop[from], loop[to]);
      }
      cost += triangulate_loop(loop, from, to, found);
    }
    if (cost < best) {
      best = cost;
      best_triangles = found;
    }
  }
  triangles.insert(triangles.end(), best_triangles.begin(), best_triangles.end());
  return best;
}

CellCase make_case(int inside) {
  CellCase result;
  CellTriangles triangles;
  for (const Loop& loop : trace_loops(inside)) {
    if (triangulate_loop(loop, 0, static_cast<int>(loop.size()) - 1, triangles) >= kForbidden) {
      throw std::logic_error("marching cubes case " + std::to_string(inside) +
                             " has no split without a diagonal in a face");
    }
    for (const int edge : loop) {
      result.edges |= static_cast<uint16_t>(1 << edge);
    }
  }
  if (triangles.size() > kMaxCellTriangles) {
    throw std::logic_error("marching cubes case " + std::to_string(inside) + " has " +
                           std::to_string(triangles.size()) + " triangles");
  }
  for (const auto& triangle : triangles) {
    for (int i = 0; i < 3; ++i) {
      result.triangles[result.num_triangles][i] = static_cast<uint8_t>(triangle[i]);
    }
    ++result.num_triangles;
  }
  return result;
}

}  // namespace

CellEdge cell_edge(int edge) {
  CellEdge result;
  result.axis = edge / 4;
  const int first = result.axis == 0 ? 1 : 0;
  const int second = result.axis == 2 ? 1 : 2;
  result.offset[first] = edge & 1;
  result.offset[second] = (edge >> 1) & 1;
  return result;
}

const std::array<CellCase, 256>& cell_cases() {
  static const auto kCases = [] {
    std::array<CellCase, 256> cases;
    for (int inside = 0; inside < 256; ++inside) {
      cases[inside] = make_case(inside);
    }
    return cases;
  }();
  return kCases;
}

}  // namespace moca::mesh
