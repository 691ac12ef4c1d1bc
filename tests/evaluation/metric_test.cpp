#include "moca/evaluation/metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_shapes.h"
#include "tests/support/added_metric.h"
#include "tests/support/refusal.h"
#include "tests/support/scores.h"

namespace moca::evaluation {
namespace {

using moca::testing::AddedMetric;
using moca::testing::few_points;
using moca::testing::moved;
using moca::testing::two_boxes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::vector<std::string> names_of(const Scores& scores) {
  std::vector<std::string> names;
  for (const auto& score : scores) {
    names.push_back(score.name);
  }
  return names;
}

TEST(CompareScenes, GivesTheScoresOfEveryMetricInTheOrderOfTheTable) {
  const auto scores = compare_scenes(two_boxes(), two_boxes(), few_points());
  EXPECT_THAT(names_of(scores),
              ElementsAre("chamfer", "f_score_0.1", "f_score_0.05", "self_iou", "self_iou_max"));
  EXPECT_EQ(value_of(scores, "f_score_0.1"), 1.0);
  EXPECT_EQ(value_of(scores, "self_iou"), 0.0);
}

TEST(CompareScenes, AgainstTheReferenceAloneLeavesOutWhatThePredictionIsByItself) {
  const auto scores =
      compare_scenes(two_boxes(), two_boxes(), few_points(), Scored::kAgainstReference);
  EXPECT_THAT(names_of(scores), ElementsAre("chamfer", "f_score_0.1", "f_score_0.05"));
}

TEST(Metrics, CountOneOfTheUsersOwnLikeTheOthers) {
  const AddedMetric added({"heights", [](const Comparison& comparison) -> Scores {
                             const auto high = [](const mesh::Scene& scene) {
                               return double{mesh::bounds(scene).high.y()};
                             };
                             return {{"height_ratio", "height", Better::kHigher,
                                      high(comparison.prediction) / high(comparison.reference),
                                      ""}};
                           }});
  const auto prediction = moved(two_boxes(), 3, {0, 0, 0});
  for (const Scored scored : {Scored::kAll, Scored::kAgainstReference}) {
    const auto scores = compare_scenes(prediction, two_boxes(), few_points(), scored);
    EXPECT_NEAR(value_of(scores, "height_ratio"), 3.0, 1e-5);
    EXPECT_THAT(names_of(scores), IsSupersetOf({"chamfer", "f_score_0.1"}));
    EXPECT_THAT(text_of(scores), HasSubstr("  height 3.0000"));
  }
}

TEST(Metrics, RefuseTwoScoresOfOneName) {
  auto config = few_points();
  config.thresholds = {0.1, 0.1};
  EXPECT_THAT(
      moca::testing::refusal([&] { compare_scenes(two_boxes(), two_boxes(), config); }),
      HasSubstr("two scores are called f_score_0.1, the second by metric f_score. Give every"));
}

}  // namespace
}  // namespace moca::evaluation
