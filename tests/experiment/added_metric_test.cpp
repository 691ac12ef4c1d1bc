// A metric that a program adds to the table is in everything that moca makes of scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/core/file_io.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/report_run.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/added_metric.h"
#include "tests/support/scores.h"

namespace moca::experiment {
namespace {

using evaluation::Better;
using evaluation::Comparison;
using evaluation::Scores;
using ::testing::AllOf;
using ::testing::HasSubstr;

// The number of components, as a share of the reference's.
Scores found_components(const Comparison& comparison) {
  return {{"found_components", "found", Better::kHigher,
           static_cast<double>(comparison.prediction.components.size()) /
               static_cast<double>(comparison.reference.components.size()),
           ""}};
}

class AddedToAll : public TrainedRuns {
 protected:
  testing::AddedMetric added_{{"components", found_components}};
};

TEST_F(AddedToAll, IsInTheResultItsTextItsJsonAndTheReport) {
  const auto folder = *runs_ / "evaluation";
  const auto result = evaluate_run(runs_->dit_config(), folder);
  EXPECT_THAT(summary_lines(result).front(), HasSubstr("found 1.0000"));
  for (const auto& kind : kScenes) {
    EXPECT_GT(value_of((result.assets[0].*kind.scene).scores, "found_components"), 0.0)
        << kind.name;
  }
  const auto json = nlohmann::json::parse(read_file(folder / "evaluation.json"));
  EXPECT_EQ(json.at("scores").back(),
            nlohmann::json::parse(
                R"({"name": "found_components", "label": "found", "better": "higher"})"));
  EXPECT_EQ(json.at("train").at("generated").at("found_components"), 1.0);
  EXPECT_EQ(json.at("vae_components").at("train").at("found_components_median"), 1.0);
  const auto page = read_file(report_run(runs_->dit_config(), folder).front());
  EXPECT_THAT(page, AllOf(HasSubstr("<th>found \u2191</th>"), HasSubstr("by chamfer.")));
}

TEST_F(AddedToAll, IsInTheRecordsOfAValidationAsTheMeanOverItsAssets) {
  auto config = runs_->vae_config("validated");
  config.data.path = *runs_ / "none_held_out";
  config.data.num_held_out = 0;
  data::prepare_dataset(config.data, "");
  config.training.validate_every = 2;
  config.training.validation_assets = 3;
  train_run(config);
  EXPECT_THAT(read_file(config.folder() / "metrics.jsonl"),
              HasSubstr("\"validation_found_components\":1.0"));
}

}  // namespace
}  // namespace moca::experiment
