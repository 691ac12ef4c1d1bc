#include "moca/mesh/signed_distance.h"

#include "moca/mesh/scene_ops.h"
#include "ray_caster.h"

namespace moca::mesh {
namespace {

// Unit directions along no edge, face or diagonal that a modeller would draw.
const Vec3 kDirections[3] = {Vec3(0.5773F, 0.2113F, 0.7887F).normalized(),
                             Vec3(-0.6871F, 0.6403F, -0.3434F).normalized(),
                             Vec3(0.1817F, -0.8623F, -0.4728F).normalized()};

// Two of three rays decide: a ray that grazes an edge may miscount, two hardly ever do. Counting
// turns instead of parity keeps the overlap of two closed parts of one mesh inside.
bool is_inside(const RayCaster& caster, const Vec3& point) {
  const bool first = caster.winding_number(point, kDirections[0]) != 0;
  const bool second = caster.winding_number(point, kDirections[1]) != 0;
  return first == second ? first : caster.winding_number(point, kDirections[2]) != 0;
}

}  // namespace

TriangleMesh closed_surface(const TriangleMesh& mesh, int resolution) {
  return is_watertight(mesh) && signed_volume(mesh) > 0 ? mesh : make_watertight(mesh, resolution);
}

std::vector<float> signed_distance(const TriangleMesh& closed_mesh, std::span<const Vec3> points) {
  const RayCaster caster(closed_mesh);
  const Box box = bounds(closed_mesh);
  std::vector<float> distances(points.size());
  const auto count = static_cast<int64_t>(points.size());
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; ++i) {
    const Vec3& point = points[i];
    const bool in_box =
        (point.array() >= box.low.array()).all() && (point.array() <= box.high.array()).all();
    const float distance = caster.distance_to_surface(point);
    distances[i] = in_box && is_inside(caster, point) ? distance : -distance;
  }
  return distances;
}

}  // namespace moca::mesh
