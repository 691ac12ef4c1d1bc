#include "moca/experiment/evaluation_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace moca::experiment {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

evaluation::PointMetrics points(double chamfer, double f_score) {
  return {chamfer, {f_score, f_score / 2}};
}

AssetScore asset(const std::string& id, const std::string& split, double score) {
  AssetScore result;
  result.id = id;
  result.split = split;
  result.num_components = 2;
  result.generated = {points(1 - score, score), score / 10, score / 5};
  result.control = points(2, 0.25);
  result.control_id = "another";
  result.other_picture = points(3, 0.125);
  result.reconstruction = {points(0.5, 1.0), 0.0, 0.0};
  result.exact_field = {points(0.25, 1.0), 0.0, 0.0};
  result.views = {{1, 35.0, 22.0}};
  result.generated_empty = {1, 2};
  result.reconstruction_empty = {0, 2};
  result.exact_field_empty = {2, 2};
  return result;
}

// Three training assets of scores 0.2, 0.4, 0.9 and a held-out one of 0.6; fourteen components of
// scores 0, 0.05, ..., 0.6 and 1, the last held out.
EvaluationResult example() {
  EvaluationResult result;
  result.metrics.thresholds = {0.1, 0.05};
  result.assets = {asset("a", "train", 0.2), asset("b", "train", 0.4), asset("c", "train", 0.9),
                   asset("d", "test", 0.6)};
  for (int i = 12; i >= 0; --i) {
    result.components.push_back({"a", "part_" + std::to_string(i), "train", points(1, 0.05 * i)});
  }
  result.components.push_back({"d", "only", "test", points(1, 1.0)});
  return result;
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

TEST(FScoreName, SaysTheThreshold) {
  EXPECT_EQ(f_score_name(0.1), "F@0.1");
  EXPECT_EQ(f_score_name(0.05), "F@0.05");
}

TEST(EvaluationJson, HoldsMeansOverTheAssetsOfEachSplit) {
  const auto result = json::parse(json_of(example()));
  const auto& train = result.at("train");
  EXPECT_EQ(train.at("num_assets"), 3);
  EXPECT_DOUBLE_EQ(train.at("generated").at("f_score_0.1"), 0.5);
  EXPECT_DOUBLE_EQ(train.at("generated").at("f_score_0.05"), 0.25);
  EXPECT_DOUBLE_EQ(train.at("generated").at("chamfer"), 0.5);
  EXPECT_DOUBLE_EQ(train.at("generated").at("self_iou"), 0.05);
  EXPECT_DOUBLE_EQ(train.at("generated").at("self_iou_max"), 0.1);
  EXPECT_DOUBLE_EQ(train.at("control").at("f_score_0.1"), 0.25);
  EXPECT_DOUBLE_EQ(train.at("other_picture").at("chamfer"), 3.0);
  EXPECT_DOUBLE_EQ(train.at("vae_reconstruction").at("f_score_0.1"), 1.0);
  EXPECT_EQ(result.at("test").at("num_assets"), 1);
  EXPECT_DOUBLE_EQ(result.at("test").at("generated").at("f_score_0.1"), 0.6);
}

TEST(EvaluationJson, CountsEveryComponentOnceAndListsTheWorstTen) {
  const auto result = json::parse(json_of(example())).at("vae_components");
  EXPECT_EQ(result.at("train").at("num_components"), 13);
  EXPECT_NEAR(result.at("train").at("f_score_0.1_median"), 0.3, 1e-12);
  EXPECT_NEAR(result.at("train").at("f_score_0.1_mean"), 0.3, 1e-12);
  EXPECT_NEAR(result.at("train").at("f_score_0.05_mean"), 0.15, 1e-12);
  const auto& worst = result.at("train").at("worst");
  ASSERT_EQ(worst.size(), 10U);
  for (size_t i = 0; i < worst.size(); ++i) {
    EXPECT_EQ(worst[i].at("component"), "part_" + std::to_string(i));
    EXPECT_NEAR(worst[i].at("f_score_0.05"), 0.025 * static_cast<double>(i), 1e-12);
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

TEST(EvaluationJson, NamesTheRuleOfViewsAndEveryAssetsViews) {
  auto result = example();
  result.view = ViewRule::kFixed;
  result.view_index = 1;
  const auto fixed = json::parse(json_of(result));
  EXPECT_EQ(fixed.at("conventions").at("view"), "fixed");
  EXPECT_EQ(fixed.at("conventions").at("view_index"), 1);
  EXPECT_EQ(fixed.at("assets")[0].at("views"),
            json::parse(R"([{"index": 1, "azimuth": 35.0, "elevation": 22.0}])"));
  result.view = ViewRule::kRandom;
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
  EXPECT_DOUBLE_EQ(result.at("train").at("exact_field").at("chamfer"), 0.25);
}

TEST(SummaryText, HasALinePerSplitAndKindOfScene) {
  auto result = example();
  result.assets.pop_back();  // no test split
  EXPECT_EQ(
      summary_text(result),
      "train generated          Chamfer 0.5000  F@0.1 0.5000  F@0.05 0.2500  self-IoU 0.0500  "
      "empty components 3 of 6\n"
      "train vae_reconstruction Chamfer 0.5000  F@0.1 1.0000  F@0.05 0.5000  self-IoU 0.0000  "
      "empty components 0 of 6\n"
      "train exact_field        Chamfer 0.2500  F@0.1 1.0000  F@0.05 0.5000  self-IoU 0.0000  "
      "empty components 6 of 6\n");
}

TEST(EvaluationJson, LeavesOutWhatWasNotScored) {
  auto result = example();
  for (auto& score : result.assets) {  // a run of stage vae
    score.generated = {};
    score.control = {};
    score.other_picture = {};
  }
  const auto parsed = json::parse(json_of(result));
  EXPECT_THAT(parsed.at("train").at("generated"), IsEmpty());
  EXPECT_THAT(parsed.at("train").at("control"), IsEmpty());
  EXPECT_THAT(parsed.at("assets")[0].at("other_picture"), IsEmpty());
  EXPECT_DOUBLE_EQ(parsed.at("train").at("vae_reconstruction").at("chamfer"), 0.5);
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
