#include "moca/mesh/voxel_grid.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "grid.h"
#include "moca/core/error.h"

namespace moca::mesh {
namespace {

using Point = Eigen::Vector3d;
using Voxel = std::array<int32_t, 3>;

// A component normalised to [-1, 1] at 64 voxels has 65 per axis.
constexpr double kMaxVoxels = 1 << 28;

Voxel voxel_at(const Point& point, double pitch) {
  Voxel voxel{};
  for (int axis = 0; axis < 3; ++axis) {
    voxel[axis] = static_cast<int32_t>(std::nearbyint(point[axis] / pitch));  // half to even
  }
  return voxel;
}

// Voxels of a component's box with one empty layer all round.
struct PaddedGrid {
  Voxel low{};  // the first of the layer
  GridSize size;
  std::vector<uint8_t> is_surface;

  void mark(const Voxel& voxel) {
    is_surface[size.index(voxel[0] - low[0], voxel[1] - low[1], voxel[2] - low[2])] = 1;
  }

  // What cannot be reached from the layer over empty voxels.
  std::vector<Voxel> filled() const {
    const auto is_outside =
        reached_from_corner(size, [&](size_t cell) { return is_surface[cell] == 0; });
    std::vector<Voxel> voxels;
    visit_box({0, 0, 0}, size.last(), [&](int x, int y, int z) {
      if (is_outside[size.index(x, y, z)] == 0) {
        voxels.push_back({low[0] + x, low[1] + y, low[2] + z});
      }
    });
    return voxels;
  }
};

using Triangle = std::array<Point, 3>;

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
  Eigen::AlignedBox3d box;
  bool is_finite = true;
  for (const auto& face : mesh.faces) {
    for (const int32_t vertex : face) {
      is_finite = is_finite && mesh.vertices[vertex].allFinite();
      box.extend(mesh.vertices[vertex].cast<double>());
    }
  }
  if (!is_finite || (box.sizes() / pitch + Point::Constant(3)).prod() > kMaxVoxels) {
    const std::string size =
        is_finite ? std::to_string(box.sizes().maxCoeff()) + " along one axis" : "an infinite box";
    throw Error("voxels: a component spans ", size, ", too much for voxels of ", pitch,
                "; lower iou_resolution.");
  }
  const Voxel low = voxel_at(box.min(), pitch), high = voxel_at(box.max(), pitch);
  PaddedGrid grid;
  for (int axis = 0; axis < 3; ++axis) {
    grid.low[axis] = low[axis] - 1;
    grid.size.cells[axis] = high[axis] - low[axis] + 3;
  }
  grid.is_surface.resize(grid.size.count());
  return grid;
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
  return grid.filled();
}

double voxel_iou(const std::vector<Voxel>& a, const std::vector<Voxel>& b) {
  std::vector<Voxel> shared;
  std::ranges::set_intersection(a, b, std::back_inserter(shared));
  const size_t num_either = a.size() + b.size() - shared.size();
  return num_either == 0 ? 0.0
                         : static_cast<double>(shared.size()) / static_cast<double>(num_either);
}

}  // namespace moca::mesh
