#pragma once

#include <Eigen/Core>
#include <vector>

#include "moca/mesh/triangle_mesh.h"

namespace moca::mesh {

// Rigid transform (no scale) that moves `source` onto `target` by iterative closest points from the
// identity: at most 50 iterations, correspondences up to a distance of 0.5. By Open3D; throws Error
// in a build without it, and for an empty set.
Eigen::Matrix4d register_points(const std::vector<Vec3>& source, const std::vector<Vec3>& target);

}  // namespace moca::mesh
