#include "moca/experiment/evaluation_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace moca::experiment {
namespace {

using evaluation::Better;
using evaluation::Scores;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two of a metric and, of a whole scene, two of one that looks at the prediction alone.
Scores against_reference(double distance, double found) {
  return {{"distance", "D", Better::kLower, distance, ""},
          {"found_0.1", "found@0.1", Better::kHigher, found, ""},
          {"found_0.05", "found@0.05", Better::kHigher, found / 2, ""}};
}

Scores of_scene(double distance, double found, double overlap) {
  Scores scores = against_reference(distance, found);
  scores.push_back({"overlap", "overlap", Better::kLower, overlap, ""});
  scores.push_back({"overlap_max", "", Better::kLower, 2 * overlap, ""});
  return scores;
}

AssetScore asset(const std::string& id, const std::string& split, double score) {
  AssetScore result;
  result.id = id;
  result.split = split;
  result.num_components = 2;
  result.views = {{1, 35.0, 22.0}};
  result.control_id = "another";
  result.generated = {of_scene(1 - score, score, score / 10), {1, 2}};
  result.control = {against_reference(2, 0.25), {}};
  result.other_image = {against_reference(3, 0.125), {}};
  result.reconstruction = {of_scene(0.5, 1, 0), {0, 2}};
  result.exact_field = {of_scene(0.25, 1, 0), {2, 2}};
  return result;
}

// Three training assets of scores 0.2, 0.4, 0.9 and a held-out one of 0.6; fourteen components of
// scores 0, 0.05, ..., 0.6 and 1, the last held out.
EvaluationResult example() {
  EvaluationResult result;
  result.assets = {asset("a", "train", 0.2), asset("b", "train", 0.4), asset("c", "train", 0.9),
                   asset("d", "test", 0.6)};
  for (int i = 12; i >= 0; --i) {
    result.components.push_back(
        {"a", "part_" + std::to_string(i), "train", against_reference(1 - 0.01 * i, 0.05 * i)});
  }
  result.components.push_back({"d", "only", "test", against_reference(1, 1.0)});
  return result;
}

TEST(EvaluationJson, HoldsMeansOverTheAssetsOfEachSplit) {
  const auto result = json::parse(json_of(example()));
  const auto& train = result.at("train");
  EXPECT_EQ(train.at("num_assets"), 3);
  EXPECT_DOUBLE_EQ(train.at("generated").at("found_0.1"), 0.5);
  EXPECT_DOUBLE_EQ(train.at("generated").at("found_0.05"), 0.25);
  EXPECT_DOUBLE_EQ(train.at("generated").at("distance"), 0.5);
  EXPECT_DOUBLE_EQ(train.at("generated").at("overlap"), 0.05);
  EXPECT_DOUBLE_EQ(train.at("generated").at("overlap_max"), 0.1);
  EXPECT_DOUBLE_EQ(train.at("control").at("found_0.1"), 0.25);
  EXPECT_DOUBLE_EQ(train.at("other_picture").at("distance"), 3.0);
  EXPECT_DOUBLE_EQ(train.at("vae_reconstruction").at("found_0.1"), 1.0);
  EXPECT_EQ(result.at("test").at("num_assets"), 1);
  EXPECT_DOUBLE_EQ(result.at("test").at("generated").at("found_0.1"), 0.6);
}

TEST(EvaluationJson, CountsEveryComponentOnceAndListsTheWorstTen) {
  const auto result = json::parse(json_of(example())).at("vae_components");
  EXPECT_EQ(result.at("train").at("num_components"), 13);
  EXPECT_NEAR(result.at("train").at("found_0.1_median"), 0.3, 1e-12);
  EXPECT_NEAR(result.at("train").at("found_0.1_mean"), 0.3, 1e-12);
  EXPECT_NEAR(result.at("train").at("found_0.05_mean"), 0.15, 1e-12);
  const auto& worst = result.at("train").at("worst");
  ASSERT_EQ(worst.size(), 10U);
  for (size_t i = 0; i < worst.size(); ++i) {
    EXPECT_EQ(worst[i].at("component"), "part_" + std::to_string(i));
    EXPECT_NEAR(worst[i].at("found_0.05"), 0.025 * static_cast<double>(i), 1e-12);
  }
  EXPECT_EQ(result.at("test").at("num_components"), 1);
  EXPECT_EQ(result.at("test").at("worst").size(), 1U);
}

TEST(EvaluationJson, ListsEveryAssetAndTheConventions) {
  const auto result = json::parse(json_of(example()));
  ASSERT_EQ(result.at("assets").size(), 4U);
  EXPECT_EQ(result.at("assets")[3].at("id"), "d");
  EXPECT_EQ(result.at("assets")[3].at("components"), 2);
  EXPECT_EQ(result.at("assets")[3].at("control_id"), "another");
  const auto& conventions = result.at("conventions");
  EXPECT_EQ(conventions.at("num_points"), 204800);
  EXPECT_EQ(conventions.at("chamfer"), "sum_l2");
  EXPECT_EQ(conventions.at("alignment"), "none");
  EXPECT_EQ(conventions.at("iou_resolution"), 64);
  EXPECT_EQ(conventions.at("frame"), "reference centred, longest side 2; prediction moved with it");
}

TEST(EvaluationJson, SaysOfEveryScoreThatTablesShowHowItIsCalledAndRead) {
  EXPECT_EQ(json::parse(json_of(example())).at("scores"), json::parse(R"([
    {"name": "distance", "label": "D", "better": "lower"},
    {"name": "found_0.1", "label": "found@0.1", "better": "higher"},
    {"name": "found_0.05", "label": "found@0.05", "better": "higher"},
    {"name": "overlap", "label": "overlap", "better": "lower"}])"));
}

TEST(EvaluationJson, RanksTheWorstComponentsByTheFirstScoreAsThatIsBetterWhateverIsAddedBehindIt) {
  auto result = example();
  for (auto& component : result.components) {
    component.scores[0].value = component.component == "part_7" ? 4 : 3;
    component.scores.push_back(
        {"added", "added", Better::kHigher, component.component == "part_7" ? 1.0 : 0.0, ""});
  }
  auto train = json::parse(json_of(result)).at("vae_components").at("train");
  EXPECT_EQ(train.at("worst_by"), "distance");
  EXPECT_EQ(train.at("worst")[0].at("component"), "part_7");
  EXPECT_DOUBLE_EQ(train.at("distance_median"), 3.0);
  for (auto& component : result.components) {
    std::swap(component.scores.front(), component.scores.back());  // the worst is the lowest now
  }
  train = json::parse(json_of(result)).at("vae_components").at("train");
  EXPECT_EQ(train.at("worst_by"), "added");
  EXPECT_NE(train.at("worst")[0].at("component"), "part_7");
}

TEST(EvaluationJson, NamesTheRuleOfViewsAndEveryAssetsViews) {
  auto result = example();
  result.config.view = ViewRule::kFixed;
  result.config.view_index = 1;
  const auto fixed = json::parse(json_of(result));
  EXPECT_EQ(fixed.at("conventions").at("view"), "fixed");
  EXPECT_EQ(fixed.at("conventions").at("view_index"), 1);
  EXPECT_EQ(fixed.at("assets")[0].at("views"),
            json::parse(R"([{"index": 1, "azimuth": 35.0, "elevation": 22.0}])"));
  result.config.view = ViewRule::kRandom;
  const auto drawn = json::parse(json_of(result)).at("conventions");
  EXPECT_EQ(drawn.at("view"), "random");
  EXPECT_FALSE(drawn.contains("view_index"));
}

TEST(EvaluationJson, CountsEmptyComponentsOfEveryAssetAndOfEverySplit) {
  const auto result = json::parse(json_of(example()));
  const auto of_asset = result.at("assets")[3].at("empty_components");
  EXPECT_EQ(of_asset.at("generated"), json::parse(R"({"count": 1, "of": 2})"));
  const auto train = result.at("train").at("empty_components");
  EXPECT_EQ(train.at("generated"), json::parse(R"({"count": 3, "of": 6})"));
  EXPECT_EQ(train.at("vae_reconstruction"), json::parse(R"({"count": 0, "of": 6})"));
  EXPECT_EQ(train.at("exact_field"), json::parse(R"({"count": 6, "of": 6})"));
  EXPECT_EQ(result.at("test").at("empty_components").at("generated").at("count"), 1);
  EXPECT_DOUBLE_EQ(result.at("train").at("exact_field").at("distance"), 0.25);
}

TEST(SummaryLines, AreOnePerSplitAndPartThatIsNoControl) {
  auto result = example();
  result.assets.pop_back();  // no test split
  EXPECT_THAT(summary_lines(result),
              ElementsAre("train generated          D 0.5000  found@0.1 0.5000  found@0.05 0.2500  "
                          "overlap 0.0500  empty components 3 of 6",
                          "train vae_reconstruction D 0.5000  found@0.1 1.0000  found@0.05 0.5000  "
                          "overlap 0.0000  empty components 0 of 6",
                          "train exact_field        D 0.2500  found@0.1 1.0000  found@0.05 0.5000  "
                          "overlap 0.0000  empty components 6 of 6"));
}

TEST(EvaluationJson, LeavesOutWhatWasNotScored) {
  auto result = example();
  for (auto& score : result.assets) {  // a run of stage vae
    score.generated = {};
    score.control = {};
    score.other_image = {};
  }
  const auto parsed = json::parse(json_of(result));
  EXPECT_THAT(parsed.at("train").at("generated"), IsEmpty());
  EXPECT_THAT(parsed.at("train").at("control"), IsEmpty());
  EXPECT_THAT(parsed.at("assets")[0].at("other_picture"), IsEmpty());
  EXPECT_DOUBLE_EQ(parsed.at("train").at("vae_reconstruction").at("distance"), 0.5);
}

TEST(EvaluationJson, OfAnEmptySplitSaysSo) {
  auto result = example();
  result.assets.pop_back();
  result.components.pop_back();
  const auto parsed = json::parse(json_of(result));
  EXPECT_EQ(parsed.at("test").at("num_assets"), 0);
  EXPECT_EQ(parsed.at("vae_components").at("test").at("num_components"), 0);
}

}  // namespace
}  // namespace moca::experiment
