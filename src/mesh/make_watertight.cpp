#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "closest_point.h"
#include "grid.h"
#include "moca/core/error.h"
#include "moca/mesh/signed_distance.h"

namespace moca::mesh {
namespace {

// All lengths below are in voxels and all positions in voxels from the grid's first sample.
constexpr float kThickness = 1.0F;
// A sample just outside the thickened surface is at most one voxel further away.
constexpr float kBand = kThickness + 1.05F;
constexpr int kMargin = 4;
// Larger faces are split: the box around a slanted one holds many samples far from it.
constexpr float kMaxEdge = 6.0F;

using Corners = std::array<Vec3, 3>;

struct Grid {
  Vec3 low = Vec3::Zero();      // position of sample 0, in the mesh's frame
  float step = 0;               // of one voxel
  GridSize size;                // in samples
  std::vector<float> distance;  // to the surface, kBand where it is farther
  // What can be reached from the border without coming within kThickness of the surface.
  std::vector<uint8_t> outside;
};

// The corners of all faces with area; faces without are what exporters leave at seams.
std::vector<Corners> solid_faces(const TriangleMesh& mesh) {
  std::vector<Corners> faces;
  faces.reserve(mesh.faces.size());
  for (const auto& [i, j, k] : mesh.faces) {
    const Corners corners = {mesh.vertices[i], mesh.vertices[j], mesh.vertices[k]};
    const Eigen::Vector3d ab = (corners[1] - corners[0]).cast<double>();
    const Eigen::Vector3d ac = (corners[2] - corners[0]).cast<double>();
    if (ab.cross(ac).squaredNorm() > 0) {
      faces.push_back(corners);
    }
  }
  return faces;
}

Grid make_grid(const std::vector<Corners>& faces, int resolution) {
  Eigen::AlignedBox3f box;
  for (const Corners& corners : faces) {
    for (const Vec3& corner : corners) {
      box.extend(corner);
    }
  }
  Grid grid;
  grid.step = box.sizes().maxCoeff() / static_cast<float>(resolution);
  grid.low = box.min() - Vec3::Constant(kMargin * grid.step);
  for (int axis = 0; axis < 3; ++axis) {
    const float cells = std::ceil(box.sizes()[axis] / grid.step);
    grid.size.cells[axis] = static_cast<int>(cells) + 2 * kMargin + 1;
  }
  grid.distance.assign(grid.size.count(), kBand);
  return grid;
}

void rasterise(Grid& grid, const Corners& corners) {
  const auto& [a, b, c] = corners;
  const Vec3 low = a.cwiseMin(b).cwiseMin(c);
  const Vec3 high = a.cwiseMax(b).cwiseMax(c);
  std::array<int, 3> first{}, last{};
  for (int axis = 0; axis < 3; ++axis) {
    first[axis] = std::max(0, static_cast<int>(std::ceil(low[axis] - kBand)));
    last[axis] =
        std::min(grid.size.cells[axis] - 1, static_cast<int>(std::floor(high[axis] + kBand)));
  }
  const Vec3 normal = (b - a).cross(c - a).stableNormalized();
  visit_box(first, last, [&, &a = a, &b = b, &c = c](int x, int y, int z) {
    const Vec3 point(x, y, z);
    float& nearest = grid.distance[grid.size.index(x, y, z)];
    // The plane is never farther than the face: most samples need no more than this.
    if (std::abs(normal.dot(point - a)) < nearest) {
      const Vec3 foot = closest_point_on_triangle(point, a, b, c);
      nearest = std::min(nearest, (foot - point).norm());
    }
  });
}

void rasterise_split(Grid& grid, const Corners& corners) {
  std::vector<Corners> pending = {corners};
  while (!pending.empty()) {
    const Corners face = pending.back();
    pending.pop_back();
    int longest = 0;
    std::array<float, 3> length{};
    for (int i = 0; i < 3; ++i) {
      length[i] = (face[(i + 1) % 3] - face[i]).norm();
      longest = length[i] > length[longest] ? i : longest;
    }
    if (length[longest] <= kMaxEdge) {
      rasterise(grid, face);
      continue;
    }
    const Vec3& from = face[longest];
    const Vec3& to = face[(longest + 1) % 3];
    const Vec3& apex = face[(longest + 2) % 3];
    const Vec3 middle = 0.5F * (from + to);
    pending.push_back({from, middle, apex});
    pending.push_back({middle, to, apex});
  }
}

// Positive in the thickened surface and all it encloses. The small floor keeps samples that lie
// exactly at kThickness, or behind it, from opening holes on the inner side.
float field_at(const Grid& grid, int x, int y, int z) {
  if (x >= grid.size.cells[0] || y >= grid.size.cells[1] || z >= grid.size.cells[2]) {
    return kThickness - kBand;
  }
  const size_t i = grid.size.index(x, y, z);
  const float field = kThickness - grid.distance[i];
  return grid.outside[i] != 0 ? field : std::max(field, 1e-3F);
}

std::vector<FieldBlock> surface_blocks(const Grid& grid) {
  std::vector<FieldBlock> blocks;
  const auto add_block = [&](int x, int y, int z) {
    FieldBlock block =
        block_at({x, y, z}, [&](int i, int j, int k) { return field_at(grid, i, j, k); });
    const auto [low, high] = std::ranges::minmax(block.values);
    if (low < 0 && high > 0) {
      blocks.push_back(std::move(block));
    }
  };
  visit_box({0, 0, 0}, grid.size.last(), add_block, kBlockCells);
  return blocks;
}

}  // namespace

TriangleMesh make_watertight(const TriangleMesh& mesh, int resolution) {
  if (resolution < 4 || resolution > 1024) {
    throw std::logic_error("make_watertight: resolution = " + std::to_string(resolution));
  }
  const std::vector<Corners> faces = solid_faces(mesh);
  if (faces.empty()) {
    throw Error("Cannot close a mesh whose ", mesh.faces.size(),
                " faces have no area; remove that component.");
  }
  Grid grid = make_grid(faces, resolution);
  for (const Corners& corners : faces) {
    Corners local;
    std::ranges::transform(corners, local.begin(), [&](const Vec3& corner) -> Vec3 {
      return (corner - grid.low) / grid.step;
    });
    rasterise_split(grid, local);
  }
  // The margin joins the whole border, so one corner is enough.
  grid.outside =
      reached_from_corner(grid.size, [&](size_t i) { return grid.distance[i] > kThickness; });
  const int longest = std::ranges::max(grid.size.cells);
  const int num_blocks = (longest - 2) / kBlockCells + 1;
  const Lattice lattice = {num_blocks * kBlockCells + 1, grid.low, grid.step};
  return marching_cubes(surface_blocks(grid), lattice);
}

}  // namespace moca::mesh
