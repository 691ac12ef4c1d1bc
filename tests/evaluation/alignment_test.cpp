#include "src/evaluation/alignment.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <stdexcept>

#include "moca/core/error.h"
#include "test_shapes.h"

namespace moca::evaluation {
namespace {

using mesh::Vec3;
using moca::testing::random_points;

std::vector<Vec3> turned(const std::vector<Vec3>& points, const Eigen::Matrix3f& rotation) {
  std::vector<Vec3> result;
  std::transform(points.begin(), points.end(), std::back_inserter(result),
                 [&](const Vec3& point) { return Vec3(rotation * point); });
  return result;
}

TEST(CandidateRotations, AreDistinctRotationsFromTheIdentityOn) {
  for (const auto& [alignment, count] :
       {std::pair(Alignment::kYaw4, 4), std::pair(Alignment::kRotations24, 24)}) {
    const auto rotations = candidate_rotations(alignment);
    ASSERT_EQ(rotations.size(), count);
    EXPECT_EQ(rotations.front(), Eigen::Matrix3f::Identity());
    for (size_t i = 0; i < rotations.size(); ++i) {
      EXPECT_EQ(rotations[i] * rotations[i].transpose(), Eigen::Matrix3f::Identity());
      EXPECT_EQ(rotations[i].determinant(), 1.0F);
      EXPECT_EQ(std::count(rotations.begin(), rotations.end(), rotations[i]), 1);
    }
  }
}

TEST(CandidateRotations, TurnAboutTheUpAxisForYaw) {
  for (const auto& rotation : candidate_rotations(Alignment::kYaw4)) {
    EXPECT_EQ(rotation * Vec3::UnitY(), Vec3::UnitY());
  }
  EXPECT_THROW(candidate_rotations(Alignment::kIcp), std::logic_error);
}

TEST(AlignPoints, UndoesEveryRotationItTries) {
  const std::vector<Vec3> reference = random_points(60, 1);
  for (const Alignment alignment : {Alignment::kYaw4, Alignment::kRotations24}) {
    for (const auto& rotation : candidate_rotations(alignment)) {
      EXPECT_EQ(
          align_points(turned(reference, rotation), reference, alignment, ChamferForm::kSumL2),
          reference);
    }
  }
}

TEST(AlignPoints, KeepsThePredictionWithoutAlignment) {
  const std::vector<Vec3> prediction = random_points(10, 2);
  EXPECT_EQ(align_points(prediction, random_points(10, 3), Alignment::kNone, ChamferForm::kSumL2),
            prediction);
}

TEST(AlignPoints, UndoesASmallMotionByIcp) {
  const std::vector<Vec3> reference = random_points(2000, 4);
  Eigen::Matrix3f rotation;
  rotation = Eigen::AngleAxisf(0.06F, Vec3(1, 1, 0).normalized());
  std::vector<Vec3> aligned;
  try {
    aligned =
        align_points(turned(reference, rotation), reference, Alignment::kIcp, ChamferForm::kSumL2);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  for (size_t i = 0; i < reference.size(); ++i) {
    EXPECT_LT((aligned[i] - reference[i]).norm(), 1e-4F);
  }
}

}  // namespace
}  // namespace moca::evaluation
