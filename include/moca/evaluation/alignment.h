#pragma once

#include <Eigen/Core>
#include <vector>

#include "moca/config/rules.h"
#include "moca/evaluation/point_distances.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// How a prediction is moved before it is compared: not at all, by the best of 4 quarter turns about
// the Y axis, by the best of the 24 rotations that map the axes onto each other, or by iterative
// closest points from where it is (needs Open3D).
enum class Alignment { kNone, kYaw4, kRotations24, kIcp };

constexpr config::EnumNames<Alignment, 4> enum_names(Alignment) {
  return {{{"none", Alignment::kNone},
           {"yaw4", Alignment::kYaw4},
           {"rot24", Alignment::kRotations24},
           {"icp", Alignment::kIcp}}};
}

// The rotations that kYaw4 (4) or kRotations24 (24) tries, the identity first.
std::vector<Eigen::Matrix3f> candidate_rotations(Alignment alignment);

// The prediction's points as they are to be compared. Among rotations (about the origin) the one
// with the lowest Chamfer distance wins, the earlier one where two are equal.
std::vector<mesh::Vec3> align_points(const std::vector<mesh::Vec3>& prediction,
                                     const std::vector<mesh::Vec3>& reference, Alignment alignment,
                                     ChamferForm form);

}  // namespace moca::evaluation
