#include "moca/mesh/voxel_grid.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "moca/core/error.h"

namespace moca::mesh {
namespace {

using Point = Eigen::Vector3d;
using Voxel = std::array<int32_t, 3>;

// A component normalised to [-1, 1] at 64 voxels has 65 per axis.
constexpr double kMaxVoxels = 1 << 28;

// Voxels of a component's box with one empty layer all round.
class PaddedGrid {
 public:
  PaddedGrid(const Voxel& low, const Voxel& high) : low_(low) {
    for (int axis = 0; axis < 3; ++axis) {
      size_[axis] = static_cast<int64_t>(high[axis]) - low[axis] + 3;
    }
    cells_.assign(static_cast<size_t>(size_[0] * size_[1] * size_[2]), kEmpty);
  }

  void mark(const Voxel& voxel) {
    cells_[number(voxel[0] - low_[0] + 1, voxel[1] - low_[1] + 1, voxel[2] - low_[2] + 1)] =
        kSurface;
  }

  // Marks what can be reached from the padding over empty voxels, by steps along the axes.
  void flood_outside() {
    const std::array<int64_t, 3> stride = {size_[1] * size_[2], size_[2], 1};
    std::vector<int64_t> open = {0};
    cells_[0] = kOutside;
    while (!open.empty()) {
      const int64_t cell = open.back();
      open.pop_back();
      for (int axis = 0; axis < 3; ++axis) {
        const int64_t index = cell / stride[axis] % size_[axis];
        if (index > 0) {
          reach(cell - stride[axis], open);
        }
        if (index + 1 < size_[axis]) {
          reach(cell + stride[axis], open);
        }
      }
    }
  }

  std::vector<Voxel> not_outside() const {
    std::vector<Voxel> voxels;
    for (int64_t x = 0; x < size_[0]; ++x) {
      for (int64_t y = 0; y < size_[1]; ++y) {
        for (int64_t z = 0; z < size_[2]; ++z) {
          if (cells_[number(x, y, z)] != kOutside) {
            voxels.push_back({static_cast<int32_t>(low_[0] + x - 1),
                              static_cast<int32_t>(low_[1] + y - 1),
                              static_cast<int32_t>(low_[2] + z - 1)});
          }
        }
      }
    }
    return voxels;
  }

 private:
  static constexpr uint8_t kEmpty = 0;
  static constexpr uint8_t kSurface = 1;
  static constexpr uint8_t kOutside = 2;

  int64_t number(int64_t x, int64_t y, int64_t z) const {
    return (x * size_[1] + y) * size_[2] + z;
  }

  void reach(int64_t cell, std::vector<int64_t>& open) {
    if (cells_[cell] == kEmpty) {
      cells_[cell] = kOutside;
      open.push_back(cell);
    }
  }

  Voxel low_;
  std::array<int64_t, 3> size_{};
  std::vector<uint8_t> cells_;
};

Voxel voxel_at(const Point& point, double pitch) {
  Voxel voxel{};
  for (int axis = 0; axis < 3; ++axis) {
    voxel[axis] = static_cast<int32_t>(std::nearbyint(point[axis] / pitch));  // half to even
  }
  return voxel;
}

struct Triangle {
  Point a;
  Point b;
  Point c;
};

// Splits a face at the middles of its sides until none is longer than pitch / 2, as trimesh's
// subdivide_to_size does, and marks the corners on the way.
void mark_face(const Triangle& face, double pitch, PaddedGrid& grid) {
  std::vector<Triangle> open = {face};
  while (!open.empty()) {
    const Triangle triangle = open.back();
    open.pop_back();
    const auto& [a, b, c] = triangle;
    const double longest =
        std::max({(b - a).squaredNorm(), (c - b).squaredNorm(), (a - c).squaredNorm()});
    if (std::sqrt(longest) <= pitch / 2) {
      for (const Point& corner : {a, b, c}) {
        grid.mark(voxel_at(corner, pitch));
      }
      continue;
    }
    const Point ab = (a + b) / 2;
    const Point bc = (b + c) / 2;
    const Point ca = (c + a) / 2;
    open.push_back({a, ab, ca});
    open.push_back({ab, b, bc});
    open.push_back({ca, bc, c});
    open.push_back({ab, bc, ca});
  }
}

// The grid that holds all faces; throws for a mesh that is far larger than the pitch or not finite.
PaddedGrid make_grid(const TriangleMesh& mesh, double pitch) {
  Point low = mesh.vertices[mesh.faces[0][0]].cast<double>();
  Point high = low;
  bool is_finite = true;
  for (const auto& face : mesh.faces) {
    for (const int32_t vertex : face) {
      const Point point = mesh.vertices[vertex].cast<double>();
      is_finite = is_finite && point.allFinite();
      low = low.cwiseMin(point);
      high = high.cwiseMax(point);
    }
  }
  const double count = ((high - low) / pitch + Point::Constant(3)).prod();
  if (!is_finite || count > kMaxVoxels) {
    const std::string size =
        is_finite ? std::to_string((high - low).maxCoeff()) + " along one axis" : "an infinite box";
    throw Error("voxels: a component spans " + size + ", too much for voxels of " +
                std::to_string(pitch) + "; lower iou_resolution.");
  }
  return {voxel_at(low, pitch), voxel_at(high, pitch)};
}

}  // namespace

std::vector<Voxel> filled_voxels(const TriangleMesh& mesh, double pitch) {
  if (mesh.empty()) {
    return {};
  }
  PaddedGrid grid = make_grid(mesh, pitch);
  for (const auto& [a, b, c] : mesh.faces) {
    mark_face({mesh.vertices[a].cast<double>(), mesh.vertices[b].cast<double>(),
               mesh.vertices[c].cast<double>()},
              pitch, grid);
  }
  grid.flood_outside();
  return grid.not_outside();
}

double voxel_iou(const std::vector<Voxel>& a, const std::vector<Voxel>& b) {
  size_t num_shared = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++num_shared;
      ++i;
      ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  const size_t num_either = a.size() + b.size() - num_shared;
  return num_either == 0 ? 0.0 : static_cast<double>(num_shared) / static_cast<double>(num_either);
}

}  // namespace moca::mesh
