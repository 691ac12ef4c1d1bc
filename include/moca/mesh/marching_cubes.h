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

// The same surface from the blocks that hold it, each given once; there are no faces in cells
// outside all blocks.
TriangleMesh marching_cubes(std::span<const FieldBlock> blocks, const Lattice& lattice);

}  // namespace moca::mesh
