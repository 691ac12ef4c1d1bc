// The metric of src/evaluation/metrics/f_score.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/evaluation/metric.h"

namespace moca::evaluation {
namespace {

using ::testing::AllOf;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::Field;

using Distances = std::vector<double>;

// By threshold.
Distances f_scores_of(const Distances& to_reference, const Distances& to_prediction,
                      const Distances& thresholds) {
  Comparison comparison;
  comparison.config.thresholds = thresholds;
  comparison.to_reference = to_reference;
  comparison.to_prediction = to_prediction;
  Distances values;
  for (const auto& score : scores_of(comparison, Scored::kAgainstReference)) {
    if (score.name.starts_with("f_score_")) {
      values.push_back(score.value);
    }
  }
  return values;
}

TEST(FScore, IsOneForEqualSets) { EXPECT_THAT(f_scores_of({0, 0}, {0}, {0.1}), ElementsAre(1.0)); }

TEST(FScore, CountsDistancesStrictlyBelowTheThreshold) {
  EXPECT_THAT(f_scores_of({0.5}, {0.5}, {0.5}), ElementsAre(0.0));
  EXPECT_THAT(f_scores_of({0.4999999}, {0.4999999}, {0.5}), ElementsAre(1.0));
}

TEST(FScore, IsMadeOfPrecisionAndRecall) {
  // Half of the prediction is right, all of the reference is found.
  EXPECT_THAT(f_scores_of({0, 1}, {0}, {0.1}), ElementsAre(DoubleEq(2 * 0.5 * 1.0 / 1.5)));
}

TEST(FScore, IsZeroAndNotNanForFarSets) {
  EXPECT_THAT(f_scores_of({10}, {10}, {0.1, 0.05}), ElementsAre(0.0, 0.0));
}

TEST(FScore, IsNamedByItsThreshold) {
  const auto scores = scores_of(comparison_of({mesh::Vec3::Zero()}, {mesh::Vec3::Zero()}, {}),
                                Scored::kAgainstReference);
  EXPECT_THAT(scores[1], AllOf(Field(&Score::name, "f_score_0.1"), Field(&Score::label, "F@0.1"),
                               Field(&Score::better, Better::kHigher)));
  EXPECT_EQ(scores[2].name, "f_score_0.05");
}

}  // namespace
}  // namespace moca::evaluation
