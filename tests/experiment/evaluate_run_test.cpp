#include "moca/experiment/evaluate_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "moca/core/file_io.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/report_run.h"
#include "moca/image/image_io.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/refusal.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::refusal;

class EvaluateRun : public TrainedRuns {
 protected:
  static fs::path output() { return *runs_ / "evaluation"; }
  static json evaluated(const RunConfig& config) {
    evaluate_run(config, output());
    return json::parse(read_file(output() / "evaluation.json"));
  }
};

// Every number is within what its key can mean.
void expect_plausible(const json& value, const std::string& key) {
  if (value.is_structured()) {
    for (const auto& [name, inner] : value.items()) {
      expect_plausible(inner, value.is_object() ? name : key);
    }
    return;
  }
  EXPECT_FALSE(value.is_null()) << key << " is not finite";
  if (key == "chamfer" && value.is_number()) {
    EXPECT_GE(value, 0.0);
    EXPECT_LT(value, 10.0);
  }
  if (key.rfind("f_score", 0) == 0 || key.rfind("self_iou", 0) == 0) {
    EXPECT_GE(value, 0.0) << key;
    EXPECT_LE(value, 1.0) << key;
  }
}

TEST_F(EvaluateRun, ScoresEveryAssetAndEveryComponent) {
  const auto result = evaluated(runs_->dit_config());
  expect_plausible(result, "");
  const data::PreparedDataset dataset(runs_->dit_config().data.path);
  ASSERT_EQ(result.at("assets").size(), 4U);
  std::map<std::string, int64_t> num_components;
  for (size_t i = 0; i < 4; ++i) {
    const auto& asset = result.at("assets")[i];
    const auto& record = dataset.records()[i];
    num_components[record.split] += record.num_components();
    EXPECT_EQ(asset.at("id"), record.id);
    EXPECT_EQ(asset.at("split"), record.split);
    EXPECT_EQ(asset.at("components"), record.num_components());
    for (const char* part :
         {"generated", "control", "other_picture", "vae_reconstruction", "exact_field"}) {
      EXPECT_TRUE(asset.at(part).contains("chamfer")) << part;
      EXPECT_TRUE(asset.at(part).contains("f_score_0.1")) << part;
      EXPECT_TRUE(asset.at(part).contains("f_score_0.05")) << part;
    }
    EXPECT_TRUE(asset.at("generated").contains("self_iou"));
  }
  EXPECT_EQ(result.at("train").at("num_assets"), 3);
  EXPECT_EQ(result.at("test").at("num_assets"), 1);
  for (const char* split : {"train", "test"}) {
    EXPECT_EQ(result.at("vae_components").at(split).at("num_components"), num_components[split]);
  }
  EXPECT_EQ(result.at("conventions").at("num_points"), 200);
}

TEST_F(EvaluateRun, ReturnsWhatItWrites) {
  const auto result = evaluate_run(runs_->vae_config(), output());
  EXPECT_EQ(json_of(result), read_file(output() / "evaluation.json"));
}

TEST_F(EvaluateRun, TheControlIsAnotherAssetOfTheSameSplitWhereThereIsOne) {
  const auto result = evaluated(runs_->dit_config());
  const auto& assets = result.at("assets");
  for (const auto& asset : assets) {
    EXPECT_NE(asset.at("control_id"), asset.at("id"));
  }
  for (size_t i = 0; i < 3; ++i) {  // the fourth is the only one held out
    const auto control = std::find_if(assets.begin(), assets.end(), [&](const json& other) {
      return other.at("id") == assets[i].at("control_id");
    });
    ASSERT_NE(control, assets.end());
    EXPECT_EQ(control->at("split"), "train");
  }
}

TEST_F(EvaluateRun, WritesTheImageAndTheComponentsOfEveryAsset) {
  auto config = runs_->dit_config();
  config.evaluation.view = ViewRule::kFixed;
  config.evaluation.view_index = 1;
  evaluated(config);
  const data::PreparedDataset dataset(config.data.path);
  for (int64_t i = 0; i < 4; ++i) {
    const auto folder = output() / dataset.records()[i].id;
    EXPECT_TRUE(fs::exists(folder / "asset.glb"));
    const auto image = read_image(folder / "image.png");
    const auto expected = dataset.image(i, 1).contiguous();
    ASSERT_EQ(image.pixels.size(), static_cast<size_t>(expected.numel()));
    EXPECT_EQ(
        std::memcmp(image.pixels.data(), expected.const_data_ptr<uint8_t>(), image.pixels.size()),
        0);
  }
}

TEST_F(EvaluateRun, GivesTheSameScoresAgainAndInOtherBatches) {
  auto config = runs_->dit_config();
  const auto first = evaluated(config);
  fs::remove_all(output());
  EXPECT_EQ(evaluated(config), first);
  fs::remove_all(output());
  config.evaluation.batch_size = 1;
  const auto alone = evaluated(config);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(alone.at("assets")[i].at("generated").at("chamfer"),
                first.at("assets")[i].at("generated").at("chamfer"), 0.02);
  }
}

TEST_F(EvaluateRun, ScoresOnlyReconstructionsOfAVae) {
  const auto result = evaluated(runs_->vae_config());
  expect_plausible(result, "");
  EXPECT_THAT(result.at("train").at("generated"), IsEmpty());
  EXPECT_TRUE(result.at("train").at("vae_reconstruction").contains("chamfer"));
  EXPECT_GT(result.at("vae_components").at("train").at("num_components"), 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(output()), {}), 1) << "more than the scores";
}

TEST_F(EvaluateRun, AnAssetWithoutAnyOtherHasNoControl) {
  auto config = runs_->dit_config();
  config.data.path = *runs_ / "lonely";
  config::set(config.data, {"procedural.num_assets=1", "num_held_out=0"});
  data::prepare_dataset(config.data, "");
  evaluate_run(config, output(), {.accept_changed_data = true});
  const auto result = json::parse(read_file(output() / "evaluation.json"));
  ASSERT_EQ(result.at("assets").size(), 1U);
  EXPECT_EQ(result.at("assets")[0].at("control_id"), "");
  EXPECT_THAT(result.at("assets")[0].at("control"), IsEmpty());
  EXPECT_TRUE(result.at("train").at("generated").contains("chamfer"));
  fs::remove_all(config.data.path);
}

TEST_F(EvaluateRun, ScoresADatasetWithoutAnythingToTrainOnBySplits) {
  auto config = runs_->dit_config();
  config.data.path = *runs_ / "evaluation_only";
  data::prepare_dataset(config.data, "");
  const auto index = fs::path(config.data.path) / "index.json";
  auto dataset = json::parse(read_file(index));
  for (auto& asset : dataset.at("assets")) {
    asset["split"] = asset.at("split") == "train" ? "val" : "test";
  }
  write_file(index, dataset.dump());
  evaluate_run(config, output(), {.accept_changed_data = true});
  const auto result = json::parse(read_file(output() / "evaluation.json"));
  EXPECT_EQ(result.at("train").at("num_assets"), 0);
  EXPECT_EQ(result.at("test").at("num_assets"), 1);
  EXPECT_EQ(result.at("val").at("num_assets"), 3);
  EXPECT_TRUE(result.at("val").at("generated").contains("chamfer"));
  EXPECT_GT(result.at("vae_components").at("val").at("num_components"), 0);
  report_run(config, output());
  EXPECT_TRUE(fs::exists(output() / "contact_sheet_val.png"));
  const auto page = read_file(output() / "report.html");
  EXPECT_THAT(page, HasSubstr("Assets of the split val, not trained on"));
  EXPECT_THAT(page, ::testing::Not(HasSubstr("Assets trained on")));
  EXPECT_THAT(page, HasSubstr("<ul class=\"figures\">"))
      << "the first scores are of a split there is";
  EXPECT_THAT(page, HasSubstr("worst ten components"));
  fs::remove_all(config.data.path);
}

TEST_F(EvaluateRun, RefusesASplitThatIsCalledAsAKeyOfItsResult) {
  auto config = runs_->dit_config();
  config.data.path = *runs_ / "taken";
  data::prepare_dataset(config.data, "");
  const auto index = fs::path(config.data.path) / "index.json";
  const auto dataset = json::parse(read_file(index));
  for (const char* name : {"model", "conventions", "scores", "assets", "vae_components"}) {
    auto renamed = dataset;
    renamed.at("assets")[1]["split"] = name;
    write_file(index, renamed.dump());
    EXPECT_THAT(refusal([&] { evaluate_run(config, output(), {.accept_changed_data = true}); }),
                HasSubstr("is in a split called '" + std::string(name) + "'"));
    EXPECT_FALSE(fs::exists(output()));
  }
  fs::remove_all(config.data.path);
}

TEST_F(EvaluateRun, NamesWhatItScored) {
  auto config = runs_->dit_config();
  config.sampler.guidance_scale = 7;
  config.evaluation.seed = 3;
  const auto result = evaluated(config);
  EXPECT_EQ(result.at("model").at("folder"), config.folder().string());
  EXPECT_EQ(result.at("model").at("step"), 4);
  EXPECT_EQ(result.at("model").at("settings").at("sampler.guidance_scale"), 7.0);
  EXPECT_EQ(result.at("model").at("settings").at("decoder.resolution"), 17);
  EXPECT_EQ(result.at("model").at("settings").at("training.precision"), "fp32");
  EXPECT_THAT(result.at("model").at("accepted"), IsEmpty());
  EXPECT_EQ(result.at("conventions").at("seed"), 3);
}

TEST_F(EvaluateRun, ReplacesAnEvaluationWhenToldAndNothingElse) {
  const auto config = runs_->vae_config();
  evaluated(config);
  write_file(output() / "old", "");
  evaluate_run(config, output(), {.overwrite = true});
  EXPECT_FALSE(fs::exists(output() / "old"));
  EXPECT_TRUE(fs::exists(output() / "evaluation.json"));
  fs::remove(output() / "evaluation.json");
  write_file(output() / "thesis.tex", "");
  EXPECT_THAT(refusal([&] { evaluate_run(config, output(), {.overwrite = true}); }),
              HasSubstr("it holds no evaluation.json"));
  EXPECT_TRUE(fs::exists(output() / "thesis.tex"));
}

TEST_F(EvaluateRun, ThatEndsEarlyCostsNoEarlierOneAndIsDoneAnew) {
  const auto config = runs_->dit_config();
  evaluate_run(config, output());
  const auto before = read_file(output() / "evaluation.json");
  auto unreadable = config;
  unreadable.evaluation.view = ViewRule::kFixed;
  unreadable.evaluation.view_index = 99;
  EXPECT_THAT(refusal([&] { evaluate_run(unreadable, output(), {.overwrite = true}); }),
              HasSubstr("view_index is 99"));
  EXPECT_EQ(read_file(output() / "evaluation.json"), before);
  evaluate_run(config, output(), {.overwrite = true});
  EXPECT_EQ(read_file(output() / "evaluation.json"), before);
  EXPECT_FALSE(fs::exists(output().parent_path() / ".unfinished_evaluation"));
}

TEST_F(EvaluateRun, NeverOverwritesAnEvaluation) {
  fs::create_directories(output());
  EXPECT_THAT(refusal([&] { evaluate_run(runs_->dit_config(), output()); }),
              AllOf(HasSubstr(output().string()), HasSubstr("is not overwritten"),
                    HasSubstr("Name another with --out, or replace it with --overwrite")));
  EXPECT_TRUE(fs::is_empty(output()));
}

TEST_F(EvaluateRun, RefusesAMissingDatasetOrRunAndLeavesNothingBehind) {
  auto config = runs_->dit_config();
  config.data.path = *runs_ / "no_dataset";
  EXPECT_THAT(refusal([&] { evaluate_run(config, output()); }),
              HasSubstr("no prepared dataset at"));
  EXPECT_FALSE(fs::exists(output()));
  config = runs_->vae_config("no_run");
  EXPECT_THAT(refusal([&] { evaluate_run(config, output()); }), HasSubstr("no run at"));
  EXPECT_FALSE(fs::exists(output()));
}

}  // namespace
}  // namespace moca::experiment
