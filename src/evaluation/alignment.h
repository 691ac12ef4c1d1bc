#pragma once

#include <c10/core/Device.h>

#include <Eigen/Core>
#include <vector>

#include "moca/evaluation/metric_config.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// The rotations that kYaw4 (4) or kRotations24 (24) tries, the identity first.
std::vector<Eigen::Matrix3f> candidate_rotations(Alignment alignment);

// The prediction's points as they are to be compared. Among rotations (about the origin) the one
// with the lowest Chamfer distance, computed on `device`, wins, the earlier one where two are
// equal.
std::vector<mesh::Vec3> align_points(const std::vector<mesh::Vec3>& prediction,
                                     const std::vector<mesh::Vec3>& reference, Alignment alignment,
                                     ChamferForm form, c10::Device device = c10::kCPU);

}  // namespace moca::evaluation
