// The metric of src/evaluation/metrics/chamfer.cpp; its three forms are tested with
// point_distances.
#include <gtest/gtest.h>

#include "moca/evaluation/metric.h"

namespace moca::evaluation {
namespace {

Score chamfer_of(const std::vector<double>& to_reference, const std::vector<double>& to_prediction,
                 ChamferForm form) {
  Comparison comparison;
  comparison.config.chamfer = form;
  comparison.to_reference = to_reference;
  comparison.to_prediction = to_prediction;
  return scores_of(comparison, Scored::kAgainstReference).front();
}

TEST(Chamfer, PutsBothDirectionsTogetherAsTheConfigSays) {
  EXPECT_DOUBLE_EQ(chamfer_of({0, 1}, {0}, ChamferForm::kSumL2).value, 0.5);
  EXPECT_DOUBLE_EQ(chamfer_of({10}, {10}, ChamferForm::kSumL2).value, 20.0);
  EXPECT_DOUBLE_EQ(chamfer_of({10}, {10}, ChamferForm::kMeanL2).value, 10.0);
  EXPECT_DOUBLE_EQ(chamfer_of({10}, {10}, ChamferForm::kSumSquared).value, 200.0);
}

TEST(Chamfer, IsBetterWhereLowerAndSaysHowItWasComputed) {
  const Score score = chamfer_of({1}, {1}, ChamferForm::kMeanL2);
  EXPECT_EQ(score.name, "chamfer");
  EXPECT_EQ(score.better, Better::kLower);
  EXPECT_EQ(score.note, "mean_l2, 204800 points, alignment none");
}

}  // namespace
}  // namespace moca::evaluation
