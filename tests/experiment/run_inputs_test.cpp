#include "src/experiment/run_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/core/file_io.h"
#include "moca/experiment/convert_run.h"
#include "moca/experiment/evaluate_run.h"
#include "moca/experiment/sample_image.h"
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
using ::testing::SizeIs;
using training::StopReason;

// Both runs trained anew for every test, which change what they were trained on.
class RunInputs : public ::testing::Test {
 protected:
  RunInputs() {
    train_run(runs_.vae_config());
    train_run(runs_.dit_config());
  }

  // Another dataset at the same place.
  void make_dataset_anew(uint64_t seed) const {
    auto config = runs_.vae_config().data;
    config.seed = static_cast<int64_t>(seed);
    fs::remove_all(config.path);
    data::prepare_dataset(config, "made by a test");
  }
  void train_vae_anew() const {
    auto config = runs_.vae_config();
    fs::remove_all(config.folder());
    config.seed = 77;
    train_run(config);
  }
  fs::path image() const {
    const auto file = runs_ / "image.png";
    write_png(file, Image(16, 16, 3, 200));
    return file;
  }
  SampleOptions sampling() const {
    SampleOptions options;
    options.run = runs_.dit_config().folder();
    options.image = image();
    options.num_components = 2;
    options.out = runs_ / "sampled";
    return options;
  }
  static json inputs_of(const RunConfig& config) {
    return json::parse(read_file(config.folder() / "inputs.json"));
  }

  TinyRuns runs_;
};

TEST_F(RunInputs, ARunRecordsByWhichFilesItsInputsAreKnownAgain) {
  const auto vae = inputs_of(runs_.vae_config());
  EXPECT_EQ(vae.at("dataset").at("path"), runs_.vae_config().data.path);
  EXPECT_TRUE(vae.at("dataset").at("files").contains("index.json"));
  EXPECT_TRUE(vae.at("vae").is_null()) << "it trains the VAE";
  const auto dit = inputs_of(runs_.dit_config());
  EXPECT_EQ(dit.at("dataset"), vae.at("dataset"));
  EXPECT_TRUE(dit.at("vae").at("files").contains("ema.safetensors"));
}

TEST_F(RunInputs, TheSameInputsMadeAnewOrMovedAreTheSame) {
  fs::rename(runs_.vae_config().folder(), runs_ / "runs/moved");
  auto config = runs_.dit_config();
  config.vae_run = runs_ / "runs/moved";
  EXPECT_THAT(check_inputs(config, Inputs::kDatasetAndVae, false), IsEmpty());
  auto data = config.data;
  fs::remove_all(data.path);
  data::prepare_dataset(data, "made by a test");
  EXPECT_THAT(check_inputs(config, Inputs::kDatasetAndVae, false), IsEmpty());
}

TEST_F(RunInputs, AnotherDatasetAtTheSamePlaceIsRefusedByResumeAndEvaluate) {
  make_dataset_anew(123);
  for (auto config : {runs_.vae_config(), runs_.dit_config()}) {
    const auto expected = AllOf(HasSubstr("the dataset " + config.data.path + " is not the one"),
                                HasSubstr("accept this one with --accept-changed-data"));
    EXPECT_THAT(refusal([&] { evaluate_run(config, runs_ / "evaluation"); }), expected);
    EXPECT_FALSE(fs::exists(runs_ / "evaluation"));
    config.training.max_steps = 6;
    EXPECT_THAT(refusal([&] { train_run(config, {.asked = true}); }), expected);
    EXPECT_FALSE(fs::exists(checkpoint::step_folder(config.folder() / "checkpoints", 6)));
  }
}

TEST_F(RunInputs, AnotherVaeUnderADitIsRefusedByResumeEvaluateSampleAndExport) {
  train_vae_anew();
  const auto config = runs_.dit_config();
  const auto expected = AllOf(HasSubstr("the VAE " + config.vae_run + " is not the one"),
                              HasSubstr("--accept-changed-data"));
  EXPECT_THAT(refusal([&] { train_run(config, {.asked = true}); }), expected);
  EXPECT_THAT(refusal([&] { evaluate_run(config, runs_ / "evaluation"); }), expected);
  EXPECT_THAT(refusal([&] { sample_image(sampling()); }), expected);
  EXPECT_THAT(refusal([&] { convert_run(config, runs_ / "exported"); }), expected);
  EXPECT_FALSE(fs::exists(runs_ / "sampled"));
  EXPECT_FALSE(fs::exists(runs_ / "exported"));
}

TEST_F(RunInputs, AcceptedOnesAreSaidInTheResults) {
  train_vae_anew();
  const auto config = runs_.dit_config();
  evaluate_run(config, runs_ / "evaluation", {.accept_changed_data = true});
  const auto evaluation = json::parse(read_file(runs_ / "evaluation/evaluation.json"));
  ASSERT_THAT(evaluation.at("model").at("accepted"), SizeIs(1));
  EXPECT_THAT(evaluation.at("model").at("accepted")[0].get<std::string>(),
              HasSubstr("is not the one"));
  auto options = sampling();
  options.accept_changed_data = true;
  sample_image(options);
  const auto sample = json::parse(read_file(runs_ / "sampled/sample.json"));
  EXPECT_THAT(sample.at("model").at("accepted"), SizeIs(1));
}

TEST_F(RunInputs, AResumedRunNamesTheNewAndTheFormerOnes) {
  const auto before = inputs_of(runs_.dit_config());
  make_dataset_anew(123);
  auto config = runs_.dit_config();
  config.training.max_steps = 6;
  config.data.seed = 123;  // as it is read from the dataset
  EXPECT_THAT(refusal([&] { train_run(config, {.asked = true}); }),
              AllOf(HasSubstr("data.seed=123 (before: 0)"), HasSubstr("--accept-changed-data")));
  EXPECT_EQ(train_run(config, {.asked = true, .accept_changed_data = true}), StopReason::kFinished);
  const auto now = inputs_of(config);
  EXPECT_NE(now.at("dataset"), before.at("dataset"));
  EXPECT_EQ(now.at("before"), json::array({before}));
  EXPECT_THAT(check_inputs(config, Inputs::kDatasetAndVae, false), IsEmpty());
  EXPECT_THAT(read_file(config.folder() / "log.txt"), HasSubstr("accepted: the dataset"));
  make_dataset_anew(124);
  config.data.seed = 124;
  train_run(config, {.asked = true, .accept_changed_data = true});
  EXPECT_THAT(inputs_of(config).at("before"), SizeIs(2)) << "of all that it was trained on";
}

TEST_F(RunInputs, ARunFromBeforeTheyWereRecordedIsEvaluatedWithAWord) {
  const auto config = runs_.dit_config();
  fs::remove(config.folder() / "inputs.json");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(check_inputs(config, Inputs::kDatasetAndVae, false), IsEmpty());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("inputs.json is missing"));
}

TEST_F(RunInputs, DamagedOnesAreNamed) {
  const auto config = runs_.dit_config();
  for (const char* text :
       {"", "[]", "{}", "{\"dataset\": 1, \"vae\": null}", "{\"dataset\": {\"files\": {}}}"}) {
    write_file(config.folder() / "inputs.json", text);
    EXPECT_THAT(refusal([&] { check_inputs(config, Inputs::kVae, false); }),
                AllOf(HasSubstr("inputs.json is damaged"), HasSubstr("Remove the file")))
        << text;
  }
}

}  // namespace
}  // namespace moca::experiment
