#include "alignment.h"

#include <Eigen/LU>
#include <array>
#include <limits>
#include <stdexcept>
#include <string>

#include "moca/core/mapped.h"
#include "moca/mesh/registration.h"
#include "point_distances.h"

namespace moca::evaluation {

using mesh::Vec3;

namespace {

std::vector<Eigen::Matrix3f> quarter_turns_about_y() {
  Eigen::Matrix3f turn;
  turn << 0, 0, 1, 0, 1, 0, -1, 0, 0;  // Z to X
  std::vector<Eigen::Matrix3f> rotations = {Eigen::Matrix3f::Identity()};
  while (rotations.size() < 4) {
    rotations.emplace_back(turn * rotations.back());
  }
  return rotations;
}

std::vector<Eigen::Matrix3f> axis_rotations() {
  std::vector<Eigen::Matrix3f> rotations;
  std::array<int, 3> axes = {0, 1, 2};
  do {
    for (int negative = 0; negative < 8; ++negative) {
      Eigen::Matrix3f matrix = Eigen::Matrix3f::Zero();
      for (int row = 0; row < 3; ++row) {
        matrix(row, axes[row]) = (negative >> row) % 2 == 0 ? 1.0F : -1.0F;
      }
      if (matrix.determinant() > 0) {
        rotations.push_back(matrix);
      }
    }
  } while (std::next_permutation(axes.begin(), axes.end()));
  return rotations;
}

std::vector<Vec3> rotated(const std::vector<Vec3>& points, const Eigen::Matrix3f& rotation) {
  return mapped(points, [&](const Vec3& point) -> Vec3 { return rotation * point; });
}

// Turns the queries instead of the searched points, so that two trees serve all rotations.
Eigen::Matrix3f best_rotation(const std::vector<Vec3>& prediction,
                              const std::vector<Vec3>& reference,
                              const std::vector<Eigen::Matrix3f>& rotations, ChamferForm form,
                              c10::Device device) {
  const NearestPoints near_prediction(prediction, device);
  const NearestPoints near_reference(reference, device);
  Eigen::Matrix3f best = rotations.front();
  double lowest = std::numeric_limits<double>::infinity();
  for (const Eigen::Matrix3f& rotation : rotations) {
    const double distance =
        chamfer_distance(near_reference.distances(rotated(prediction, rotation)),
                         near_prediction.distances(rotated(reference, rotation.transpose())), form);
    if (distance < lowest) {
      lowest = distance;
      best = rotation;
    }
  }
  return best;
}

std::vector<Vec3> registered(const std::vector<Vec3>& prediction,
                             const std::vector<Vec3>& reference) {
  const Eigen::Matrix4d motion = mesh::register_points(prediction, reference);
  const Eigen::Matrix3d rotation = motion.topLeftCorner<3, 3>();
  const Eigen::Vector3d shift = motion.topRightCorner<3, 1>();
  return mapped(prediction, [&](const Vec3& point) -> Vec3 {
    return (rotation * point.cast<double>() + shift).cast<float>();
  });
}

}  // namespace

std::vector<Eigen::Matrix3f> candidate_rotations(Alignment alignment) {
  switch (alignment) {
    case Alignment::kYaw4:
      return quarter_turns_about_y();
    case Alignment::kRotations24:
      return axis_rotations();
    default:
      throw std::logic_error(std::string("candidate_rotations: alignment ") +
                             config::name_of(alignment) + " tries no rotations");
  }
}

std::vector<Vec3> align_points(const std::vector<Vec3>& prediction,
                               const std::vector<Vec3>& reference, Alignment alignment,
                               ChamferForm form, c10::Device device) {
  switch (alignment) {
    case Alignment::kNone:
      return prediction;
    case Alignment::kIcp:
      return registered(prediction, reference);
    default:
      return rotated(prediction, best_rotation(prediction, reference,
                                               candidate_rotations(alignment), form, device));
  }
}

}  // namespace moca::evaluation
