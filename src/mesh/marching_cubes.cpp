#include "moca/mesh/marching_cubes.h"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include "grid.h"
#include "marching_cubes_table.h"

namespace moca::mesh {
namespace {

// Vertices keep this part of an edge away from its ends: a sample of exactly 0 would otherwise pull
// the vertices of several edges onto one point.
constexpr float kClearance = 1e-3F;

using Corner = Eigen::Array3i;  // a sample, by its indices

// Where the surface crosses the edge that starts at `corner`, with the field's values at its ends.
Vec3 crossing(const Lattice& lattice, const Corner& corner, int axis, float from, float to) {
  const double ratio = static_cast<double>(from) / (static_cast<double>(from) - to);
  // In this order, so that infinite values, of which the ratio is not a number, give a vertex too.
  const float t = std::min(std::max(kClearance, static_cast<float>(ratio)), 1 - kClearance);
  Vec3 point = lattice.position(corner.x(), corner.y(), corner.z());
  point[axis] += t * lattice.step;
  return point;
}

constexpr int kSide = kBlockCells + 1;
constexpr int kBlockSamples = kSide * kSide * kSide;

// Per cell z of a row which of its corners are inside. The samples round it are rows along z: `row`
// at (x, y), `far` at (x + 1, y), and those that follow each at y + 1.
std::array<uint8_t, kBlockCells> cases_of_row(const uint8_t* row, const uint8_t* far) {
  std::array<uint8_t, kSide> columns{};
  for (int z = 0; z < kSide; ++z) {
    columns[z] = static_cast<uint8_t>(row[z] | (far[z] << 1) | (row[z + kSide] << 2) |
                                      (far[z + kSide] << 3));
  }
  std::array<uint8_t, kBlockCells> cases{};
  for (int z = 0; z < kBlockCells; ++z) {
    cases[z] = static_cast<uint8_t>(columns[z] | (columns[z + 1] << 4));
  }
  return cases;
}

int sample_in_block(int x, int y, int z) { return (x * kSide + y) * kSide + z; }

// Names an edge of the lattice; coordinates may be negative.
uint64_t edge_key(const Corner& start, int axis) {
  constexpr int kBits = 20;
  constexpr int kMiddle = 1 << (kBits - 1);
  uint64_t key = axis;
  for (const int coordinate : start) {
    key = (key << kBits) | static_cast<uint64_t>(coordinate + kMiddle);
  }
  return key;
}

// One block after the other; vertices on a block's border are found again by their edge.
class BlockMarcher {
 public:
  explicit BlockMarcher(const Lattice& lattice) : lattice_(lattice) {}

  void add(const FieldBlock& block) {
    std::array<uint8_t, kBlockSamples> inside{};
    std::ranges::transform(block.values, inside.begin(),
                           [](float value) { return static_cast<uint8_t>(value > 0.0F); });
    const auto num_inside = std::accumulate(inside.begin(), inside.end(), 0);
    if (num_inside == 0 || num_inside == kBlockSamples) {
      return;
    }
    for (auto& vertices : vertex_of_edge_) {
      vertices.fill(-1);
    }
    for (int x = 0; x < block.num_cells[0]; ++x) {
      for (int y = 0; y < block.num_cells[1]; ++y) {
        const auto cases =
            cases_of_row(&inside[sample_in_block(x, y, 0)], &inside[sample_in_block(x + 1, y, 0)]);
        const auto word = std::bit_cast<uint64_t>(cases);
        const bool is_crossed = word != 0 && word != ~uint64_t{0};
        for (int z = 0; is_crossed && z < block.num_cells[2]; ++z) {
          add_cell(block, {x, y, z}, table_[cases[z]]);
        }
      }
    }
  }

  TriangleMesh take() { return std::move(mesh_); }

 private:
  void add_cell(const FieldBlock& block, const Corner& cell, const CellCase& found) {
    const auto vertex = [&](int edge) { return vertex_on(block, cell, cell_edge(edge)); };
    for (int i = 0; i < found.num_triangles; ++i) {
      const auto& [a, b, c] = found.triangles[i];
      mesh_.faces.push_back({vertex(a), vertex(b), vertex(c)});
    }
  }

  int32_t vertex_on(const FieldBlock& block, const Corner& cell, const CellEdge& edge) {
    const Corner local = cell + Eigen::Map<const Corner>(edge.offset.data());
    const int sample = sample_in_block(local.x(), local.y(), local.z());
    int32_t& vertex = vertex_of_edge_[edge.axis][sample];
    if (vertex >= 0) {
      return vertex;
    }
    const Corner start = local + Eigen::Map<const Corner>(block.origin.data());
    const auto next = static_cast<int32_t>(mesh_.vertices.size());
    vertex = next;
    if (on_border(local, edge.axis)) {
      vertex = border_vertices_.try_emplace(edge_key(start, edge.axis), next).first->second;
    }
    if (vertex == next) {
      constexpr std::array<int, 3> kStride = {kSide * kSide, kSide, 1};
      mesh_.vertices.push_back(crossing(lattice_, start, edge.axis, block.values[sample],
                                        block.values[sample + kStride[edge.axis]]));
    }
    return vertex;
  }

  static bool on_border(const Corner& local, int axis) {
    const auto at_end = [](int i) { return i == 0 || i == kBlockCells; };
    return (axis != 0 && at_end(local.x())) || (axis != 1 && at_end(local.y())) ||
           (axis != 2 && at_end(local.z()));
  }

  Lattice lattice_;
  const std::array<CellCase, 256>& table_ = cell_cases();
  std::array<std::array<int32_t, kBlockSamples>, 3> vertex_of_edge_{};
  std::unordered_map<uint64_t, int32_t> border_vertices_;
  TriangleMesh mesh_;
};

}  // namespace

TriangleMesh marching_cubes(std::span<const float> field, const Lattice& lattice) {
  const auto size = static_cast<size_t>(lattice.resolution);
  if (lattice.resolution < 2 || field.size() != size * size * size) {
    throw std::logic_error("marching_cubes: " + std::to_string(field.size()) +
                           " values for a lattice with R = " + std::to_string(lattice.resolution));
  }
  BlockMarcher marcher(lattice);
  FieldBlock block;
  const int last = lattice.resolution - 1;
  const auto add_block = [&](int x, int y, int z) {
    block.origin = {x, y, z};
    block.num_cells = {std::min(last - x, kBlockCells), std::min(last - y, kBlockCells),
                       std::min(last - z, kBlockCells)};
    block.values.clear();
    for (int i = 0; i < kSide * kSide; ++i) {
      const size_t row = std::min(x + i / kSide, last) * size + std::min(y + i % kSide, last);
      const auto begin = field.begin() + row * size + z;
      block.values.insert(block.values.end(), begin, begin + block.num_cells[2] + 1);
      block.values.resize(static_cast<size_t>(i + 1) * kSide);
    }
    marcher.add(block);
  };
  visit_box({0, 0, 0}, {last - 1, last - 1, last - 1}, add_block, kBlockCells);
  return marcher.take();
}

TriangleMesh marching_cubes(std::span<const FieldBlock> blocks, const Lattice& lattice) {
  BlockMarcher marcher(lattice);
  for (const FieldBlock& block : blocks) {
    if (block.values.size() != kBlockSamples) {
      throw std::logic_error("marching_cubes: a block holds " +
                             std::to_string(block.values.size()) + " values, not " +
                             std::to_string(kBlockSamples));
    }
    marcher.add(block);
  }
  return marcher.take();
}

}  // namespace moca::mesh
