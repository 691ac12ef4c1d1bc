#include "moca/config/suggestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moca::config {
namespace {

TEST(Suggestion, FindsTheNearestName) {
  const std::vector<std::string> names = {"width", "depth", "num_heads", "num_selected"};
  EXPECT_EQ(nearest_name("widht", names), "width");
  EXPECT_EQ(nearest_name("num_head", names), "num_heads");
  EXPECT_EQ(nearest_name("numselected", names), "num_selected");
  EXPECT_EQ(nearest_name("width", names), "width");
}

TEST(Suggestion, PutsTheNearestNameFirstAndKeepsTheOrderOfTheOthers) {
  using ::testing::ElementsAre;
  EXPECT_THAT(nearest_first("muom", {"adamw", "lion", "muon"}),
              ElementsAre("muon", "adamw", "lion"));
  EXPECT_THAT(nearest_first("zebra", {"adamw", "lion", "muon"}),
              ElementsAre("adamw", "lion", "muon"));
}

TEST(Suggestion, StaysSilentWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("zebra", {"width", "depth"}), "");
  EXPECT_EQ(nearest_name("x", {"k", "n"}), "");
  EXPECT_EQ(nearest_name("", {"width"}), "");
  EXPECT_EQ(nearest_name("width", {}), "");
  EXPECT_EQ(nearest_name(std::string(1000000, 'w'), {"width"}), "");
  EXPECT_EQ(did_you_mean("zebra", {"width"}), "");
}

}  // namespace
}  // namespace moca::config
