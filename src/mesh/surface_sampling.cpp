#include "moca/mesh/surface_sampling.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/mesh/scene_ops.h"

namespace moca::mesh {
namespace {

// In [0, 1), the same on every platform, which std::uniform_real_distribution does not promise.
double uniform(std::mt19937_64& engine) { return static_cast<double>(engine() >> 11) * 0x1p-53; }

// Twice the area of faces 0 .. i.
std::vector<double> cumulative_areas(const TriangleMesh& mesh) {
  double sum = 0;
  return mapped(mesh.faces, [&](const auto& face) {
    sum += double_area_normal(mesh, face).norm();
    return sum;
  });
}

}  // namespace

SurfacePoints sample_surface(const TriangleMesh& mesh, int64_t count, uint64_t seed) {
  if (count < 0) {
    throw std::logic_error("sample_surface: count = " + std::to_string(count));
  }
  const std::vector<double> areas = cumulative_areas(mesh);
  const double total = areas.empty() ? 0.0 : areas.back();
  if (!(total > 0) || !std::isfinite(total)) {
    throw Error("Cannot sample points on a mesh of ", mesh.faces.size(), " faces with total area ",
                total / 2, "; it needs a finite area above 0.");
  }
  // The last face with area, in case rounding lifts a draw to the total itself.
  const auto last = std::ranges::lower_bound(areas, total);
  std::mt19937_64 engine(seed);
  SurfacePoints points;
  points.positions.reserve(count);
  points.normals.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const auto chosen = std::min(last, std::ranges::upper_bound(areas, uniform(engine) * total));
    const auto& face = mesh.faces[chosen - areas.begin()];
    const auto root = static_cast<float>(std::sqrt(uniform(engine)));
    const auto along = static_cast<float>(uniform(engine));
    points.positions.push_back((1 - root) * mesh.vertices[face[0]] +
                               root * (1 - along) * mesh.vertices[face[1]] +
                               root * along * mesh.vertices[face[2]]);
    points.normals.push_back(double_area_normal(mesh, face).normalized().cast<float>());
  }
  return points;
}

SurfacePoints sample_surface(const Scene& scene, int64_t count, uint64_t seed) {
  return sample_surface(fuse(scene), count, seed);
}

}  // namespace moca::mesh
