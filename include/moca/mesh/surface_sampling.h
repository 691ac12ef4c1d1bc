#pragma once

#include <cstdint>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

struct SurfacePoints {
  std::vector<Vec3> positions;  // P points
  std::vector<Vec3> normals;    // P unit face normals
};

// `count` points drawn uniformly by area, with the normals of their faces.
SurfacePoints sample_surface(const TriangleMesh& mesh, int64_t count, uint64_t seed);

// The same over all components of a scene together, as PartCrafter's metrics sample a fused scene.
SurfacePoints sample_surface(const Scene& scene, int64_t count, uint64_t seed);

}  // namespace moca::mesh
