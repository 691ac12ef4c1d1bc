#pragma once

#include <Eigen/Core>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// Rigid transform (no scale) that moves `source` onto `target` by iterative closest points from the
// identity: at most `max_iterations`, correspondences up to `max_distance`. By Open3D; throws Error
// in a build without it, and for an empty set.
Eigen::Matrix4d register_points(const std::vector<Vec3>& source, const std::vector<Vec3>& target,
                                double max_distance = 0.5, int max_iterations = 50);

}  // namespace moca::mesh
