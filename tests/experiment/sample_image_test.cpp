#include "moca/experiment/sample_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/refusal.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

class SampleImage : public TrainedRuns {
 protected:
  SampleOptions options() const {
    SampleOptions options;
    options.run = runs_->dit_config().folder();
    options.image = *runs_ / "chair.png";
    write_png(options.image, Image(16, 16, 3, 200));
    options.num_components = 2;
    return options;
  }
  void TearDown() override { fs::remove_all(runs_->dit_config().folder() / "samples"); }
};

TEST_F(SampleImage, WritesMeshesLatentsAPreviewAndHowTheyWereMade) {
  auto how = options();
  how.seed = 5;
  how.overrides = {"sampler.guidance_scale=3"};
  sample_image(how);
  const auto out = runs_->dit_config().folder() / "samples/chair_2_components_seed_5";
  for (const char* file : {"asset.glb", "latents.safetensors", "preview.png", "sample.json"}) {
    EXPECT_TRUE(fs::exists(out / file)) << file;
  }
  const auto preview = read_image(out / "preview.png");
  EXPECT_GT(preview.width, 2 * preview.height) << "the image and two views";
  const auto record = json::parse(read_file(out / "sample.json"));
  EXPECT_EQ(record.at("image"), how.image.string());
  EXPECT_EQ(record.at("components"), 2);
  EXPECT_EQ(record.at("seed"), 5);
  EXPECT_EQ(record.at("model").at("step"), 4);
  EXPECT_EQ(record.at("model").at("folder"), runs_->dit_config().folder().string());
  EXPECT_EQ(record.at("model").at("settings").at("sampler.guidance_scale"), 3.0);
  EXPECT_EQ(record.at("model").at("settings").at("sampler.num_steps"), 2);
}

TEST_F(SampleImage, EverySeedAndNumberOfComponentsGetsAFolderOfItsOwn) {
  auto how = options();
  sample_image(how);
  how.seed = 1;
  sample_image(how);
  how.num_components = 3;
  sample_image(how);
  const auto samples = runs_->dit_config().folder() / "samples";
  EXPECT_EQ(std::distance(fs::directory_iterator(samples), {}), 3);
  EXPECT_THAT(refusal([&] { sample_image(how); }),
              AllOf(HasSubstr("chair_3_components_seed_1 exists already and is not overwritten"),
                    HasSubstr("--out")));
}

TEST_F(SampleImage, SettingsThatARunCannotTakeAnewAreRefused) {
  for (const char* text :
       {"vae.num_tokens=9", "data.path=elsewhere", "seed=3", "vae_training.truncation=0.2",
        "evaluation.seed=3", "training.max_steps=5"}) {
    auto how = options();
    how.overrides = {text};
    EXPECT_THAT(refusal([&] { sample_image(how); }),
                AllOf(HasSubstr(std::string(text) + " has no effect on sampling from a run"),
                      HasSubstr("--seed")));
  }
}

TEST_F(SampleImage, SettingsOfTheModelThatAreNotTheRunsOwnAreRecorded) {
  auto how = options();
  how.overrides = {"dit.router.num_selected=0"};
  sample_image(how);
  const auto record = json::parse(
      read_file(runs_->dit_config().folder() / "samples/chair_2_components_seed_0/sample.json"));
  EXPECT_EQ(record.at("model").at("settings").at("dit.router.num_selected"), 0);
}

TEST_F(SampleImage, RefusesANegativeSeed) {
  auto how = options();
  how.seed = -1;
  EXPECT_THAT(refusal([&] { sample_image(how); }), HasSubstr("--seed (-1) must be at least 0"));
}

TEST_F(SampleImage, NeedsARunOrWeights) {
  auto how = options();
  how.weights = "models/x";
  EXPECT_THAT(refusal([&] { sample_image(how); }), HasSubstr("name either a run with --run"));
  how.run = how.weights = "";
  EXPECT_THAT(refusal([&] { sample_image(how); }), HasSubstr("name either a run with --run"));
}

}  // namespace
}  // namespace moca::experiment
