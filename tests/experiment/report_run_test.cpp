#include "moca/experiment/report_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/core/file_io.h"
#include "moca/data/prepared_dataset.h"
#include "moca/experiment/asset_scenes.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/image/image_io.h"
#include "moca/mesh/mesh_io.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/refusal.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::refusal;

class ReportRun : public TrainedRuns {
 protected:
  static fs::path output() { return runs_->dit_config().folder() / "evaluation"; }
  void TearDown() override { fs::remove_all(output()); }
  static std::string page_of(const RunConfig& config) {
    const auto written = report_run(config, output());
    EXPECT_EQ(written.front().filename(), "report.html");
    return read_file(written.front());
  }
};

TEST_F(ReportRun, WithoutAnEvaluationHasTheCurvesOfBothStages) {
  const auto config = runs_->dit_config();
  EXPECT_THAT(report_run(config, output()), ElementsAre(config.folder() / "report.html"));
  EXPECT_THAT(page_of(config),
              AllOf(HasSubstr("moca run dit"), HasSubstr("VAE: loss"), HasSubstr("MoCA DiT: loss"),
                    HasSubstr("gradient_norm"), HasSubstr("<svg"), Not(HasSubstr("Every asset"))));
  EXPECT_THAT(page_of(runs_->vae_config()),
              AllOf(HasSubstr("VAE: loss"), Not(HasSubstr("MoCA DiT"))));
}

TEST_F(ReportRun, OfAnEvaluationElsewhereLiesBesideItAndReplacesNoOther) {
  const auto config = runs_->dit_config();
  evaluate_run(config, output());
  const auto usual = read_file(report_run(config, output()).front());
  const auto elsewhere = *runs_ / "guidance_7";
  auto guided = config;
  guided.sampler.guidance_scale = 7;
  evaluate_run(guided, elsewhere);
  EXPECT_THAT(report_run(config, elsewhere),
              ElementsAre(elsewhere / "report.html", elsewhere / "contact_sheet_train.png",
                          elsewhere / "contact_sheet_test.png"));
  EXPECT_EQ(read_file(config.folder() / "report.html"), usual);
}

TEST_F(ReportRun, OfAPretrainedVaeHasNoCurvesOfIt) {
  auto config = runs_->dit_config();
  config.pretrained.vae = config.vae_run;
  config.vae_run = "";
  EXPECT_THAT(page_of(config), AllOf(HasSubstr("MoCA DiT: loss"), Not(HasSubstr("VAE: loss"))));
}

TEST_F(ReportRun, NamesTheModelThatWasEvaluated) {
  auto config = runs_->dit_config();
  config.sampler.guidance_scale = 3;
  evaluate_run(config, output());
  EXPECT_THAT(page_of(config), HasSubstr("evaluated at step 4, guidance 3, 2 sampling steps, "
                                         "decoder resolution 17"));
  auto text = read_file(output() / "evaluation.json");
  text.replace(text.find("\"step\": 4"), 9, "\"step\": 2");
  write_file(output() / "evaluation.json", text);
  EXPECT_THAT(page_of(config), HasSubstr("evaluated at step 2 (the run has reached step 4 since)"));
}

TEST_F(ReportRun, NamesEveryAssetWithItsScoresAndShowsTheSheets) {
  const auto config = runs_->dit_config();
  evaluate_run(config, output());
  const auto written = report_run(config, output());
  EXPECT_THAT(written, ElementsAre(config.folder() / "report.html",
                                   config.folder() / "contact_sheet_train.png",
                                   config.folder() / "contact_sheet_test.png"));
  const auto page = read_file(written[0]);
  const data::PreparedDataset dataset(config.data.path);
  for (const auto& record : dataset.records()) {
    EXPECT_THAT(page, HasSubstr(record.id));
  }
  EXPECT_THAT(page, AllOf(HasSubstr("Assets trained on"), HasSubstr("Assets not trained on"),
                          HasSubstr("VAE reconstruction (ceiling)"),
                          HasSubstr("worst ten components"), HasSubstr("data:image/png")));
  // Three assets in one column are higher than one.
  EXPECT_GT(read_image(written[1]).height, read_image(written[2]).height);
}

TEST_F(ReportRun, OfAVaeTellsItsReconstructionsAlone) {
  const auto config = runs_->vae_config();
  evaluate_run(config, output());
  const auto page = page_of(config);
  EXPECT_THAT(page, AllOf(HasSubstr("VAE reconstruction (ceiling)"), HasSubstr("worst ten"),
                          Not(HasSubstr("Every asset")), Not(HasSubstr("other image"))));
}

TEST_F(ReportRun, HasTheScoresOfTheEvaluationAsColumns) {
  auto config = runs_->dit_config();
  config.evaluation.metrics.thresholds = {0.3, 0.02};
  evaluate_run(config, output());
  EXPECT_THAT(page_of(config),
              AllOf(HasSubstr("<th>Chamfer \u2193</th><th>F@0.3 \u2191</th><th>F@0.02 \u2191</th>"
                              "<th>self-IoU \u2193</th></tr>"),
                    HasSubstr("<th>control F@0.3 \u2191</th>"), HasSubstr("by chamfer."),
                    HasSubstr("VAE F@0.3"), Not(HasSubstr("F@0.1"))));
}

TEST_F(ReportRun, ShowsADashForWhatIsNotScored) {
  evaluate_run(runs_->dit_config(), output());
  EXPECT_THAT(page_of(runs_->dit_config()), ContainsRegex("<td>control</td>.*<td>-</td></tr>"));
}

TEST_F(ReportRun, ShowsAnAssetOfWhichNothingWasGenerated) {
  const auto config = runs_->dit_config();
  evaluate_run(config, output());
  const data::PreparedDataset dataset(config.data.path);
  const auto folder = output() / dataset.records()[0].id;
  const auto image = read_file(folder / "image.png");
  fs::remove_all(folder);
  write_asset(folder, {{{"component_00", {}, mesh::Vec3::Zero()}}});
  write_file(folder / "image.png", image);
  EXPECT_EQ(report_run(config, output()).size(), 3U);
}

TEST_F(ReportRun, RefusesAnEvaluationThatIsNone) {
  for (const char* text : {"", "[]", "{}", "{\"train\": {\"num_assets\": 1}}"}) {
    fs::create_directories(output());
    write_file(output() / "evaluation.json", text);
    EXPECT_THAT(refusal([&] { report_run(runs_->dit_config(), output()); }),
                AllOf(HasSubstr("evaluation.json is not the result of an evaluation"),
                      HasSubstr("moca evaluate " + runs_->dit_config().folder().string())))
        << text;
  }
}

TEST_F(ReportRun, LeavesOutALineOfMetricsThatAKillCutShort) {
  const auto config = runs_->vae_config();
  const auto file = config.folder() / "metrics.jsonl";
  const auto whole = page_of(config);
  const auto lines = read_file(file);
  write_file(file, lines + "{\"step\": 5, \"lo");
  EXPECT_EQ(page_of(config), whole);
  EXPECT_THAT(whole, HasSubstr("VAE: loss"));
  fs::remove(file);
  EXPECT_THAT(page_of(config), Not(HasSubstr("VAE: loss"))) << "a plot without a point";
  write_file(file, lines);
}

}  // namespace
}  // namespace moca::experiment
