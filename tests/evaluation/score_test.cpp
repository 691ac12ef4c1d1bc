#include "moca/evaluation/score.h"
#include "tests/support/scores.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace moca::evaluation {
namespace {

Scores example(double distance, double overlap) {
  return {{"distance", "distance", Better::kLower, distance, "in metres"},
          {"detail", "", Better::kLower, 7, ""},
          {"overlap_0.5", "O@0.5", Better::kHigher, overlap, ""}};
}

TEST(ValueOf, FindsAScoreByItsName) {
  EXPECT_EQ(value_of(example(1, 2), "overlap_0.5"), 2.0);
  EXPECT_THROW(value_of(example(1, 2), "O@0.5"), std::out_of_range);
}

TEST(IsWorse, KnowsTheDirection) {
  const Scores low = example(1, 1), high = example(2, 2);
  EXPECT_TRUE(is_worse(high[0], low[0]));
  EXPECT_FALSE(is_worse(low[0], high[0]));
  EXPECT_TRUE(is_worse(low[2], high[2]));
  EXPECT_FALSE(is_worse(high[2], low[2]));
  EXPECT_FALSE(is_worse(low[0], low[0]));
}

TEST(TextOf, ShowsTheLabelledScores) {
  EXPECT_EQ(text_of(example(0.03612, 0.5)), "distance 0.0361  O@0.5 0.5000");
  EXPECT_EQ(text_of({}), "");
}

TEST(AddShare, OfAllMakesTheirMean) {
  Scores mean;
  for (const Scores& scores : {example(1, 0), example(2, 1), example(6, 0.5)}) {
    add_share(scores, 3, mean);
  }
  ASSERT_EQ(mean.size(), 3U);
  EXPECT_DOUBLE_EQ(mean[0].value, 3.0);
  EXPECT_DOUBLE_EQ(mean[1].value, 7.0);
  EXPECT_DOUBLE_EQ(mean[2].value, 0.5);
  EXPECT_EQ(mean[2].label, "O@0.5");
  EXPECT_EQ(mean[2].better, Better::kHigher);
  EXPECT_EQ(mean[0].note, "") << "a note is of one comparison";
}

TEST(MeanOf, IsTheArithmeticMeanAndZeroOfNothing) {
  EXPECT_DOUBLE_EQ(mean_of({1, 2, 6}), 3.0);
  EXPECT_DOUBLE_EQ(mean_of({}), 0.0);
}

TEST(MedianOf, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_DOUBLE_EQ(median_of({9, 1, 5}), 5.0);
  EXPECT_DOUBLE_EQ(median_of({9, 1, 5, 7}), 6.0);
  EXPECT_DOUBLE_EQ(median_of({4}), 4.0);
  EXPECT_DOUBLE_EQ(median_of({}), 0.0);
}

}  // namespace
}  // namespace moca::evaluation
