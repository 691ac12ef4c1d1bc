#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// The filled voxels of one component, as trimesh's voxelized(pitch).fill() gives them: faces are
// split until every edge is at most pitch / 2, corners round half to even, what is not connected to
// the outside of the component's own box (6 neighbours) is filled. Sorted, unique.
std::vector<std::array<int32_t, 3>> filled_voxels(const TriangleMesh& mesh, double pitch);

// Intersection over union of two sorted voxel sets; 0 when both are empty.
double voxel_iou(const std::vector<std::array<int32_t, 3>>& a,
                 const std::vector<std::array<int32_t, 3>>& b);

}  // namespace moca::mesh
