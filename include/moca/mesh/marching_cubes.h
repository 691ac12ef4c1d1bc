#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// One lattice for sampling and for the vertices: sample (x, y, z) of R per axis lies at
// low + (x, y, z) * step.
struct Lattice {
  int resolution = 0;  // R samples along each axis
  Vec3 low = Vec3::Constant(-1.0F);
  float step = 0;  // (high - low) / (R - 1)

  Vec3 position(int x, int y, int z) const {
    return low + step * Vec3(static_cast<float>(x), static_cast<float>(y), static_cast<float>(z));
  }
};

// The surface where `field` crosses 0, faces outward (field positive inside; exactly 0 counts as
// outside), vertices shared between cells: closed and manifold wherever the field is not positive
// on the lattice's border, left open where a positive border cuts it. `field`: R^3 values, x
// slowest: field[(x * R + y) * R + z].
TriangleMesh marching_cubes(std::span<const float> field, const Lattice& lattice);

// A cubic block of a lattice: samples [origin, origin + 8] per axis, 9^3 values, x slowest.
// Neighbouring blocks share their border samples, which must be equal in both. A block may reach
// over the lattice's border, to either side.
inline constexpr int kBlockCells = 8;
struct FieldBlock {
  std::array<int32_t, 3> origin{};  // multiple of kBlockCells, in samples
  std::vector<float> values;        // (kBlockCells + 1)^3
  // Along each axis; cells behind these are not looked at.
  std::array<int, 3> num_cells = {kBlockCells, kBlockCells, kBlockCells};
};

// The block at `origin` of a field with value(x, y, z) at a sample.
template <class Value>
FieldBlock block_at(const std::array<int32_t, 3>& origin, const Value& value) {
  FieldBlock block{origin, {}};
  constexpr size_t kSide = kBlockCells + 1;
  block.values.reserve(kSide * kSide * kSide);
  for (int x = origin[0]; x <= origin[0] + kBlockCells; ++x) {
    for (int y = origin[1]; y <= origin[1] + kBlockCells; ++y) {
      for (int z = origin[2]; z <= origin[2] + kBlockCells; ++z) {
        block.values.push_back(value(x, y, z));
      }
    }
  }
  return block;
}

// The same surface from the blocks that hold it, each given once; there are no faces in cells
// outside all blocks.
TriangleMesh marching_cubes(std::span<const FieldBlock> blocks, const Lattice& lattice);

}  // namespace moca::mesh
