#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <vector>

namespace moca::mesh {

// Triangles of a polygon, as places in `corners`, wound as the polygon is. A fan from the first
// corner where that fills it; else, for polygons that are not convex, GLU's tessellation.
std::vector<std::array<uint32_t, 3>> triangulate(const std::vector<Eigen::Vector3d>& corners);

}  // namespace moca::mesh
