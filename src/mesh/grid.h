#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "moca/mesh/marching_cubes.h"

namespace moca::mesh {

// Numbers the cells of a grid, z fastest.
struct GridSize {
  std::array<int, 3> cells{};  // along each axis

  std::array<int, 3> last() const { return {cells[0] - 1, cells[1] - 1, cells[2] - 1}; }
  size_t count() const { return static_cast<size_t>(cells[0]) * cells[1] * cells[2]; }
  size_t index(int x, int y, int z) const {
    return (static_cast<size_t>(x) * cells[1] + y) * cells[2] + z;
  }
};

// Calls visit(x, y, z) for all from `low` to `high`, both included, z fastest.
template <class Visit>
void visit_box(const std::array<int, 3>& low, const std::array<int, 3>& high, const Visit& visit,
               int step = 1) {
  for (int x = low[0]; x <= high[0]; x += step) {
    for (int y = low[1]; y <= high[1]; y += step) {
      for (int z = low[2]; z <= high[2]; z += step) {
        visit(x, y, z);
      }
    }
  }
}

// The block at `origin` of a field with value(x, y, z) at a sample.
template <class Value>
FieldBlock block_at(const std::array<int32_t, 3>& origin, const Value& value) {
  FieldBlock block{origin, {}};
  constexpr size_t kSide = kBlockCells + 1;
  block.values.reserve(kSide * kSide * kSide);
  visit_box(origin, {origin[0] + kBlockCells, origin[1] + kBlockCells, origin[2] + kBlockCells},
            [&](int x, int y, int z) { block.values.push_back(value(x, y, z)); });
  return block;
}

// Per cell whether it can be reached from cell 0 over open cells, by steps along the axes.
template <class IsOpen>
std::vector<uint8_t> reached_from_corner(const GridSize& size, const IsOpen& is_open) {
  const std::array<int64_t, 3> stride = {int64_t{size.cells[1]} * size.cells[2], size.cells[2], 1};
  std::vector<uint8_t> reached(size.count());
  std::vector<std::array<int, 3>> pending;
  const auto visit = [&](size_t cell, const std::array<int, 3>& at) {
    if (reached[cell] == 0 && is_open(cell)) {
      reached[cell] = 1;
      pending.push_back(at);
    }
  };
  visit(0, {0, 0, 0});
  while (!pending.empty()) {
    const std::array<int, 3> at = pending.back();
    pending.pop_back();
    const size_t cell = size.index(at[0], at[1], at[2]);
    for (int axis = 0; axis < 3; ++axis) {
      for (const int side : {-1, 1}) {
        std::array<int, 3> next = at;
        next[axis] += side;
        if (next[axis] >= 0 && next[axis] < size.cells[axis]) {
          visit(cell + side * stride[axis], next);
        }
      }
    }
  }
  return reached;
}

}  // namespace moca::mesh
