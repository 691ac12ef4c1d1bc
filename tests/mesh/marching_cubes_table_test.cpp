#include "src/mesh/marching_cubes_table.h"

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <bit>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace moca::mesh {
namespace {

using Eigen::Vector3f;

bool is_inside(int cell, int corner) { return (cell >> corner & 1) != 0; }

// The numbers of the two corners that an edge joins, the lower one first.
std::pair<int, int> corners_of(int edge) {
  const CellEdge found = cell_edge(edge);
  const int low = found.offset[0] + 2 * found.offset[1] + 4 * found.offset[2];
  return {low, low + (1 << found.axis)};
}

Vector3f corner_position(int corner) {
  return Vector3f(static_cast<float>(corner & 1), static_cast<float>(corner >> 1 & 1),
                  static_cast<float>(corner >> 2));
}

Vector3f edge_middle(int edge) {
  const auto [low, high] = corners_of(edge);
  return (corner_position(low) + corner_position(high)) / 2;
}

// Directed sides of a case's triangles that no other triangle of the case runs along backwards.
std::set<std::pair<int, int>> open_sides(const CellCase& found) {
  std::set<std::pair<int, int>> sides;
  for (int t = 0; t < found.num_triangles; ++t) {
    for (int i = 0; i < 3; ++i) {
      const int from = found.triangles[t][i];
      const int to = found.triangles[t][(i + 1) % 3];
      if (sides.erase({to, from}) == 0) {
        EXPECT_TRUE(sides.insert({from, to}).second) << "a side used twice";
      }
    }
  }
  return sides;
}

// True when both edges lie in the side of the cell where the coordinate of `axis` is `at`.
bool lie_in_side(int edge, int other, int axis, float at) {
  return edge_middle(edge)[axis] == at && edge_middle(other)[axis] == at;
}

TEST(CellEdge, JoinsEveryPairOfNeighbouringCornersOnce) {
  std::set<std::pair<int, int>> seen;
  for (int edge = 0; edge < 12; ++edge) {
    const auto [low, high] = corners_of(edge);
    EXPECT_GE(low, 0);
    EXPECT_LT(high, 8);
    EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(low ^ high))) << edge;
    EXPECT_TRUE(seen.insert({low, high}).second) << edge;
  }
}

TEST(CellCases, CrossTheEdgesWhoseEndsDiffer) {
  for (int cell = 0; cell < 256; ++cell) {
    const CellCase& found = cell_cases()[cell];
    unsigned used = 0;
    for (int t = 0; t < found.num_triangles; ++t) {
      for (const uint8_t edge : found.triangles[t]) {
        used |= 1U << edge;
      }
    }
    for (int edge = 0; edge < 12; ++edge) {
      const auto [low, high] = corners_of(edge);
      const bool is_crossed = is_inside(cell, low) != is_inside(cell, high);
      EXPECT_EQ((found.edges >> edge & 1) != 0, is_crossed) << cell << ", edge " << edge;
      EXPECT_EQ((used >> edge & 1) != 0, is_crossed) << cell << ", edge " << edge;
    }
  }
}

TEST(CellCases, AreOpenOnlyTowardsTheirNeighbours) {
  for (int cell = 0; cell < 256; ++cell) {
    SCOPED_TRACE(cell);
    for (const auto& [from, to] : open_sides(cell_cases()[cell])) {
      int num_sides = 0;
      for (int axis = 0; axis < 3; ++axis) {
        num_sides += lie_in_side(from, to, axis, 0) ? 1 : 0;
        num_sides += lie_in_side(from, to, axis, 1) ? 1 : 0;
      }
      EXPECT_EQ(num_sides, 1) << from << " to " << to;
    }
  }
}

// Every two cells that can be neighbours close one another: the sides that one leaves open in their
// common face are those of the other, backwards.
TEST(CellCases, FitTheirNeighboursInAllThreeDirections) {
  for (int axis = 0; axis < 3; ++axis) {
    // An edge of the upper side of a cell by the same edge of its neighbour's lower side.
    std::map<int, int> edge_of_neighbour;
    for (int edge = 0; edge < 12; ++edge) {
      for (int other = 0; other < 12; ++other) {
        if ((edge_middle(edge) - Vector3f::Unit(axis) - edge_middle(other)).norm() < 1e-6F) {
          edge_of_neighbour[edge] = other;
        }
      }
    }
    ASSERT_EQ(edge_of_neighbour.size(), 4U);
    // What a cell leaves open there, by the signs of the four corners: the same for all cells.
    std::map<int, std::set<std::pair<int, int>>> left_open;
    std::map<int, std::set<std::pair<int, int>>> closed_by;
    for (int cell = 0; cell < 256; ++cell) {
      int upper = 0;
      int lower = 0;
      for (int corner = 0; corner < 8; ++corner) {
        const bool is_upper = (corner >> axis & 1) != 0;
        (is_upper ? upper : lower) |= is_inside(cell, corner) ? 1 << (corner & ~(1 << axis)) : 0;
      }
      std::set<std::pair<int, int>> above;
      std::set<std::pair<int, int>> below;
      for (const auto& [from, to] : open_sides(cell_cases()[cell])) {
        if (lie_in_side(from, to, axis, 1)) {
          above.insert({edge_of_neighbour.at(from), edge_of_neighbour.at(to)});
        } else if (lie_in_side(from, to, axis, 0)) {
          below.insert({to, from});
        }
      }
      EXPECT_EQ(left_open.try_emplace(upper, above).first->second, above) << cell;
      EXPECT_EQ(closed_by.try_emplace(lower, below).first->second, below) << cell;
    }
    EXPECT_EQ(left_open.size(), 16U);
    EXPECT_EQ(left_open, closed_by);
  }
}

TEST(CellCases, LookAwayFromASingleInsideCorner) {
  for (int corner = 0; corner < 8; ++corner) {
    for (const bool is_hole : {false, true}) {
      const CellCase& found = cell_cases()[is_hole ? 255 - (1 << corner) : 1 << corner];
      ASSERT_EQ(found.num_triangles, 1);
      const auto& [a, b, c] = found.triangles[0];
      const Vector3f normal =
          (edge_middle(b) - edge_middle(a)).cross(edge_middle(c) - edge_middle(a));
      const float away = normal.dot(edge_middle(a) - corner_position(corner));
      EXPECT_EQ(away > 0, !is_hole) << corner;
    }
  }
}

TEST(CellCases, HaveAsManyTrianglesAsTheirLoopsNeed) {
  EXPECT_EQ(cell_cases()[0].num_triangles, 0);
  EXPECT_EQ(cell_cases()[255].num_triangles, 0);
  EXPECT_EQ(cell_cases()[0x0F].num_triangles, 2);  // a plane across the cell
  for (int cell = 1; cell < 255; ++cell) {
    const CellCase& found = cell_cases()[cell];
    // A loop of n crossed edges needs n - 2 triangles.
    const int num_edges = std::popcount(found.edges);
    const int num_loops = (num_edges - found.num_triangles) / 2;
    EXPECT_EQ(num_edges - found.num_triangles, 2 * num_loops) << cell;
    EXPECT_GE(num_loops, 1) << cell;
    EXPECT_LE(num_loops, 4) << cell;
  }
}

}  // namespace
}  // namespace moca::mesh
