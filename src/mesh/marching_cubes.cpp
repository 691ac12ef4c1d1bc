#include "moca/mesh/marching_cubes.h"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include "marching_cubes_table.h"

namespace moca::mesh {
namespace {

// Vertices keep this part of an edge away from its ends: a sample of exactly 0 would otherwise pull
// the vertices of several edges onto one point.
constexpr float kClearance = 1e-3F;

struct Corner {
  int x = 0;
  int y = 0;
  int z = 0;
};

// Where the surface crosses the edge that starts at `corner`, with the field's values at its ends.
Vec3 crossing(const Lattice& lattice, const Corner& corner, int axis, float from, float to) {
  const double ratio = static_cast<double>(from) / (static_cast<double>(from) - to);
  float t = static_cast<float>(ratio);
  if (!(t > kClearance)) {
    t = kClearance;
  } else if (t > 1 - kClearance) {
    t = 1 - kClearance;
  }
  Vec3 point = lattice.position(corner.x, corner.y, corner.z);
  point[axis] += t * lattice.step;
  return point;
}

void mark_inside(const float* values, size_t count, uint8_t* inside) {
  for (size_t i = 0; i < count; ++i) {
    inside[i] = values[i] > 0.0F ? 1 : 0;
  }
}

// The four rows of samples round a row of cells along z, at (x, y), (x + 1, y), (x, y + 1),
// (x + 1, y + 1).
using Rows = std::array<const uint8_t*, 4>;

// cases[z]: which corners of cell z are inside. `columns` is scratch of num_cells + 1.
void classify_row(const Rows& rows, int num_cells, uint8_t* columns, uint8_t* cases) {
  for (int z = 0; z <= num_cells; ++z) {
    columns[z] = static_cast<uint8_t>(rows[0][z] | (rows[1][z] << 1) | (rows[2][z] << 2) |
                                      (rows[3][z] << 3));
  }
  for (int z = 0; z < num_cells; ++z) {
    cases[z] = static_cast<uint8_t>(columns[z] | (columns[z + 1] << 4));
  }
}

// Calls visit(z) for every cell of the row that the surface crosses. `cases` must be padded with
// zeros to a multiple of 8.
template <typename Visit>
void visit_crossed_cells(const uint8_t* cases, int num_cells, const Visit& visit) {
  for (int start = 0; start < num_cells; start += 8) {
    uint64_t word = 0;
    std::memcpy(&word, cases + start, sizeof(word));
    if (word == 0 || word == ~uint64_t{0}) {
      continue;
    }
    for (int z = start; z < start + 8; ++z) {
      if (cases[z] != 0 && cases[z] != 255) {
        visit(z);
      }
    }
  }
}

template <typename VertexOfEdge>
void add_triangles(const CellCase& cell, const VertexOfEdge& vertex_of_edge, TriangleMesh& mesh) {
  for (int i = 0; i < cell.num_triangles; ++i) {
    const auto& edges = cell.triangles[i];
    mesh.faces.push_back(
        {vertex_of_edge(edges[0]), vertex_of_edge(edges[1]), vertex_of_edge(edges[2])});
  }
}

// Walks over the lattice in slabs of cells between two planes of samples. Vertex numbers are kept
// for the edges of the current slab only: cells are visited in order, so the first of the cells
// round an edge makes the vertex and the others come later.
class DenseMarcher {
 public:
  DenseMarcher(std::span<const float> field, const Lattice& lattice)
      : field_(field),
        lattice_(lattice),
        size_(lattice.resolution),
        plane_(static_cast<size_t>(size_) * size_),
        inside_{std::vector<uint8_t>(plane_), std::vector<uint8_t>(plane_)},
        columns_(size_),
        cases_((static_cast<size_t>(size_) + 7) / 8 * 8, 0),
        vertex_of_slot_(5 * plane_) {
    for (int edge = 0; edge < 12; ++edge) {
      edges_[edge] = cell_edge(edge);
    }
  }

  TriangleMesh run() {
    mark_inside(field_.data(), plane_, inside_[0].data());
    for (int x = 0; x + 1 < size_; ++x) {
      mark_inside(field_.data() + (x + 1) * plane_, plane_, inside_[(x + 1) % 2].data());
      enter_slab(x);
      for (int y = 0; y + 1 < size_; ++y) {
        march_row(x, y);
      }
    }
    return std::move(mesh_);
  }

 private:
  // Slots: one plane for the edges along x between the two sample planes, then, for even and odd x,
  // one for the edges along y and one for those along z.
  void enter_slab(int x) {
    for (int edge = 0; edge < 12; ++edge) {
      const auto& [axis, offset] = edges_[edge];
      const size_t plane_number = axis == 0 ? 0 : 2 * axis - 1 + (x + offset[0]) % 2;
      slot_offset_[edge] =
          plane_number * plane_ + static_cast<size_t>(offset[1]) * size_ + offset[2];
    }
  }

  // The edges of a cell that no earlier cell has: those that are on its far side along both other
  // axes, or at the lattice's border.
  uint16_t first_seen_edges(int x, int y, int z) const {
    const std::array<bool, 3> at_border = {x == 0, y == 0, z == 0};
    uint16_t result = 0;
    for (int edge = 0; edge < 12; ++edge) {
      bool first = true;
      for (int axis = 0; axis < 3; ++axis) {
        first = first &&
                (axis == edges_[edge].axis || edges_[edge].offset[axis] == 1 || at_border[axis]);
      }
      result |= static_cast<uint16_t>(first ? 1 << edge : 0);
    }
    return result;
  }

  void march_row(int x, int y) {
    const uint8_t* near = inside_[x % 2].data() + static_cast<size_t>(y) * size_;
    const uint8_t* far = inside_[(x + 1) % 2].data() + static_cast<size_t>(y) * size_;
    classify_row({near, far, near + size_, far + size_}, size_ - 1, columns_.data(), cases_.data());
    const uint16_t first_seen = first_seen_edges(x, y, 1);
    visit_crossed_cells(cases_.data(), size_ - 1, [&](int z) {
      march_cell({x, y, z}, z == 0 ? first_seen_edges(x, y, 0) : first_seen);
    });
  }

  void march_cell(const Corner& cell, uint16_t first_seen) {
    const CellCase& found = table_[cases_[cell.z]];
    const size_t slot = static_cast<size_t>(cell.y) * size_ + cell.z;
    for (unsigned left = found.edges & first_seen; left != 0; left &= left - 1) {
      const int edge = std::countr_zero(left);
      vertex_of_slot_[slot + slot_offset_[edge]] = add_vertex(cell, edges_[edge]);
    }
    add_triangles(
        found, [&](int edge) { return vertex_of_slot_[slot + slot_offset_[edge]]; }, mesh_);
  }

  int32_t add_vertex(const Corner& cell, const CellEdge& edge) {
    const Corner start = {cell.x + edge.offset[0], cell.y + edge.offset[1],
                          cell.z + edge.offset[2]};
    const size_t index = start.x * plane_ + static_cast<size_t>(start.y) * size_ + start.z;
    const std::array<size_t, 3> stride = {plane_, static_cast<size_t>(size_), 1};
    const float from = field_[index];
    const float to = field_[index + stride[edge.axis]];
    mesh_.vertices.push_back(crossing(lattice_, start, edge.axis, from, to));
    return static_cast<int32_t>(mesh_.vertices.size() - 1);
  }

  std::span<const float> field_;
  Lattice lattice_;
  int size_;
  size_t plane_;
  const std::array<CellCase, 256>& table_ = cell_cases();
  std::array<CellEdge, 12> edges_;
  std::array<size_t, 12> slot_offset_{};
  std::array<std::vector<uint8_t>, 2> inside_;  // of the sample planes with even and odd x
  std::vector<uint8_t> columns_;
  std::vector<uint8_t> cases_;
  std::vector<int32_t> vertex_of_slot_;
  TriangleMesh mesh_;
};

constexpr int kSide = kBlockCells + 1;
constexpr int kBlockSamples = kSide * kSide * kSide;

int sample_in_block(int x, int y, int z) { return (x * kSide + y) * kSide + z; }

// Names an edge of the lattice; coordinates may be negative.
uint64_t edge_key(const Corner& start, int axis) {
  constexpr int kBits = 20;
  constexpr int kMiddle = 1 << (kBits - 1);
  uint64_t key = axis;
  for (const int coordinate : {start.x, start.y, start.z}) {
    key = (key << kBits) | static_cast<uint64_t>(coordinate + kMiddle);
  }
  return key;
}

// One block after the other; vertices on a block's border are found again by their edge.
class BlockMarcher {
 public:
  explicit BlockMarcher(const Lattice& lattice) : lattice_(lattice) {}

  void add(const FieldBlock& block) {
    for (auto& vertices : vertex_of_edge_) {
      vertices.fill(-1);
    }
    std::array<uint8_t, kBlockSamples> inside{};
    mark_inside(block.values.data(), kBlockSamples, inside.data());
    std::array<uint8_t, kSide> columns{};
    std::array<uint8_t, kBlockCells> cases{};
    for (int x = 0; x < kBlockCells; ++x) {
      for (int y = 0; y < kBlockCells; ++y) {
        const uint8_t* row = &inside[sample_in_block(x, y, 0)];
        const uint8_t* far = &inside[sample_in_block(x + 1, y, 0)];
        classify_row({row, far, row + kSide, far + kSide}, kBlockCells, columns.data(),
                     cases.data());
        visit_crossed_cells(cases.data(), kBlockCells, [&](int z) {
          const auto vertex = [&](int edge) {
            return vertex_on(block, {x, y, z}, cell_edge(edge));
          };
          add_triangles(table_[cases[z]], vertex, mesh_);
        });
      }
    }
  }

  TriangleMesh take() { return std::move(mesh_); }

 private:
  int32_t vertex_on(const FieldBlock& block, const Corner& cell, const CellEdge& edge) {
    const Corner local = {cell.x + edge.offset[0], cell.y + edge.offset[1],
                          cell.z + edge.offset[2]};
    const int sample = sample_in_block(local.x, local.y, local.z);
    int32_t& vertex = vertex_of_edge_[edge.axis][sample];
    if (vertex >= 0) {
      return vertex;
    }
    const Corner start = {local.x + block.origin[0], local.y + block.origin[1],
                          local.z + block.origin[2]};
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
    return (axis != 0 && at_end(local.x)) || (axis != 1 && at_end(local.y)) ||
           (axis != 2 && at_end(local.z));
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
  return DenseMarcher(field, lattice).run();
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
