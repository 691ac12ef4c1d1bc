#pragma once

#include <span>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// A closed mesh around an open, inverted or self-crossing one: the surface thickened by one voxel
// of a grid with `resolution` cells along the longest side, everything that cannot be reached from
// outside filled. Closed meshes that face outward need no such thing.
TriangleMesh make_watertight(const TriangleMesh& mesh, int resolution);

// The mesh itself where it is closed and faces outward, else what make_watertight makes of it.
TriangleMesh closed_surface(const TriangleMesh& mesh, int resolution);

// Distance to the surface of a closed mesh: positive inside, negative outside.
std::vector<float> signed_distance(const TriangleMesh& closed_mesh, std::span<const Vec3> points);

}  // namespace moca::mesh
