#include "src/experiment/training_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "moca/data/dataset_settings.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/support/refusal.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

constexpr const char* kVaeSizes = "vae: {width_encoder: 16, width_decoder: 16, num_tokens: 8}";
constexpr const char* kDitSizes =
    "dit: {width: 16, num_heads: 2, num_layers: 3}, "
    "image_encoder: {patch_size: 8, width: 16, num_heads: 2, num_layers: 1}";

// A dataset of other settings than the defaults, and the config of a VAE's run.
class TrainingSettings : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<testing::TemporaryFolder>();
    data_ = testing::tiny_data_config(*folder_);
    data_.seed = 3;
    data::prepare_dataset(data_, config::dump(data_));
    RunConfig vae;
    vae.stage = Stage::kVae;
    vae.name = "vae";
    vae.runs_folder = folder_->path();
    vae.data = data_;
    vae.vae = testing::tiny_vae_config();
    vae.vae_training.truncation = 0.2;
    fs::create_directories(vae.folder());
    write_file(vae.folder() / "config.yaml", config::dump(vae));
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static fs::path file() { return *folder_ / "run.yaml"; }

  static RunConfig to_train(const std::string& sections,
                            const std::vector<std::string>& overrides = {}) {
    write_file(file(), "{data: {path: " + data_.path + "}, " + sections + "}");
    return load_config(file(), overrides, /*to_train=*/true);
  }
  static RunConfig vae(const std::vector<std::string>& overrides = {}) {
    return to_train(std::string("stage: vae, ") + kVaeSizes, overrides);
  }
  static RunConfig dit(const std::vector<std::string>& overrides = {}) {
    return to_train("vae_run: " + (*folder_ / "vae").string() + ", " + kDitSizes, overrides);
  }

  inline static std::unique_ptr<testing::TemporaryFolder> folder_;
  inline static data::DataConfig data_;
};

TEST_F(TrainingSettings, OfTheDataAreTheDatasets) {
  for (const auto& config : {vae(), dit()}) {
    EXPECT_EQ(config::dump(config.data), config::dump(data_));
  }
}

TEST_F(TrainingSettings, PreparingFromARunsConfigMakesTheSameData) {
  auto again = dit().data;
  again.path = *folder_ / "again";
  data::prepare_dataset(again, config::dump(again));
  EXPECT_EQ(read_file(*folder_ / "again/shard_00000.safetensors"),
            read_file(fs::path(data_.path) / "shard_00000.safetensors"));
}

TEST_F(TrainingSettings, ThatContradictTheDatasetAreRefused) {
  for (const auto& [override, mistake] :
       {std::pair("data.seed=4", "data.seed is 4, but the dataset "),
        std::pair("data.num_held_out=0", "data.num_held_out is 0, but the dataset "),
        std::pair("data.views.image_size=32", "data.views.image_size is 32, but the dataset "),
        std::pair("data.procedural.num_assets=9", "was prepared with 3. Leave it out"),
        std::pair("data.max_components=1", "data.max_components is 1, but the asset ")}) {
    EXPECT_THAT(refusal([&] { vae({override}); }), HasSubstr(mistake));
  }
  EXPECT_THAT(refusal([] {
                vae({"data.source=meshes", "data.meshes.folder=somewhere"});
              }),
              HasSubstr("data.source is meshes, but the dataset " + data_.path +
                        " was prepared with procedural"));
}

TEST_F(TrainingSettings, ThatTheDatasetDoesNotDependOnAreTheDatasets) {
  const auto config = vae({"data.seed=3", "data.meshes.longest_side=1.5", "data.max_components=4"});
  const auto changed = config::differences(config.data, data_);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].path, "max_components") << "what dit.dense_tokens reads";
  EXPECT_EQ(changed[0].a, "4");
}

TEST_F(TrainingSettings, OfTheVaeAreThoseOfItsRun) {
  const auto config = dit();
  EXPECT_EQ(config::dump(config.vae), config::dump(testing::tiny_vae_config()));
  EXPECT_EQ(config.vae_training.truncation, 0.2);
  EXPECT_EQ(refusal([] { dit({"vae.num_tokens=8"}); }), "accepted");
  EXPECT_THAT(refusal([] { dit({"vae.num_tokens=16"}); }),
              AllOf(HasSubstr("vae.num_tokens is 16, but the VAE of vae_run "),
                    HasSubstr("has 8. Leave it out of the config")));
}

TEST_F(TrainingSettings, OfTheImageEncoderFollowTheDatasetsImages) {
  const auto config = dit();
  EXPECT_EQ(config.image_encoder.image_size, 16);
  EXPECT_EQ(config.image_encoder.position_grid, 2);
  EXPECT_EQ(dit({"image_encoder.patch_size=4"}).image_encoder.position_grid, 4);
  EXPECT_EQ(dit({"image_encoder.position_grid=7"}).image_encoder.position_grid, 7);
  EXPECT_THAT(refusal([] { dit({"image_encoder.image_size=32"}); }),
              HasSubstr("image_encoder.image_size is 32, but the images of the dataset " +
                        data_.path + " have a side of 16"));
  EXPECT_THAT(refusal([] { dit({"image_encoder.patch_size=14"}); }),
              HasSubstr("image_encoder.image_size follows data.views.image_size (16), which must "
                        "be a multiple of image_encoder.patch_size (14)"));
}

// 16 pixels are no multiple of the default patch, 14, but of the weights' patch, 8.
TEST_F(TrainingSettings, APretrainedImageEncodersPatchesAreKnownBeforeTheImageSizeIsJudged) {
  pretrained::write_image_encoder(
      *folder_ / "weights", image_encoder::ImageEncoder(testing::tiny_image_encoder_config()));
  const auto with = [](const std::string& encoder) {
    return to_train(
        "vae_run: " + (*folder_ / "vae").string() +
        ", dit: {width: 16, num_heads: 2, num_layers: 3}, pretrained: {image_encoder: " +
        (*folder_ / "weights").string() + "}" + encoder);
  };
  for (const char* encoder : {"", ", image_encoder: {image_size: 16}"}) {
    const auto config = with(encoder);
    EXPECT_EQ(config.image_encoder.patch_size, 8);
    EXPECT_EQ(config.image_encoder.image_size, 16);
    EXPECT_EQ(config.image_encoder.position_grid, 2);
  }
}

TEST_F(TrainingSettings, DataMayBePreparedBeforeThePatchesAreChosen) {
  write_file(file(), "{vae_run: v, data: {path: d, views: {image_size: 64}}}");
  EXPECT_EQ(refusal([] { load_config(file(), {}); }), "accepted");
}

TEST_F(TrainingSettings, ADitThatMakesOneComponentIsNotTrainedOnMore) {
  EXPECT_THAT(refusal([] {
                dit({"dit.codebook_size=0", "dit.global_attention=none"});
              }),
              AllOf(HasSubstr("such a model makes one component, but the asset "),
                    HasSubstr("Give the components ids")));
  EXPECT_EQ(refusal([] { dit({"dit.codebook_size=0"}); }), "accepted");
  EXPECT_EQ(refusal([] { dit({"dit.global_attention=none"}); }), "accepted");
}

TEST_F(TrainingSettings, AForgottenBaseIsNoticed) {
  EXPECT_THAT(refusal([] { to_train("vae_run: " + (*folder_ / "vae").string()); }),
              AllOf(HasSubstr("run.yaml: none of dit.width, dit.num_layers is set"),
                    HasSubstr("dit.width=2048"), HasSubstr("Is `base:` missing")));
  EXPECT_THAT(refusal([] { to_train("stage: vae"); }),
              HasSubstr("none of vae.width_encoder, vae.width_decoder is set"));
  EXPECT_THAT(
      refusal([] { to_train("vae_run: " + (*folder_ / "vae").string() + ", dit: {width: 2048}"); }),
      HasSubstr("none of image_encoder.width, image_encoder.num_layers is set"));
}

TEST_F(TrainingSettings, AMissingInputIsNamedWithTheCommandThatMakesIt) {
  EXPECT_THAT(refusal([] {
                vae({"data.path=no where", "data.seed=1"});
              }),
              HasSubstr("no prepared dataset at no where in the working folder " +
                        fs::current_path().string() +
                        " (index.json is missing). Make it: moca prepare-data " + file().string() +
                        " 'data.path=no where' data.seed=1. Or name another: data.path=FOLDER."));
  const auto missing_vae = [] { return refusal([] { dit({"vae_run=runs/my_vae"}); }); };
  EXPECT_THAT(missing_vae(), HasSubstr("no run at runs/my_vae in the working folder"));
  EXPECT_THAT(missing_vae(), HasSubstr("Train the VAE: moca train CONFIG"));
  write_file(*folder_ / "my_vae.yaml", "");
  EXPECT_THAT(missing_vae(),
              HasSubstr("Train the VAE: moca train " + (*folder_ / "my_vae.yaml").string()));
}

TEST_F(TrainingSettings, OfADatasetWithoutARecordAreNotCompared) {
  const testing::TemporaryFolder folder;
  auto data = testing::tiny_data_config(folder);
  data::prepare_dataset(data, "made by a test");
  EXPECT_FALSE(data::read_dataset_settings(data.path).made_by);
  const auto config = vae({"data.path=" + data.path, "data.seed=9"});
  EXPECT_EQ(config.data.seed, 9);
  EXPECT_EQ(config.data.views.image_size, 16);
}

TEST_F(TrainingSettings, SourcesThatWereMovedAwayDoNotMatter) {
  const testing::TemporaryFolder folder;
  auto data = testing::tiny_data_config(folder);
  auto record = data;
  config::set(record, {"source=meshes", "meshes.folder=" + (folder / "gone").string()});
  data::prepare_dataset(data, config::dump(record));
  const auto with = [&](const std::string& sources) {
    return vae({"data.path=" + data.path, "data.source=meshes", "data.meshes.folder=" + sources});
  };
  EXPECT_EQ(config::dump(with("also_gone").data), config::dump(record));
  fs::create_directories(folder / "other");
  EXPECT_THAT(refusal([&] { with((folder / "other").string()); }),
              HasSubstr("data.meshes.folder is "));
}

}  // namespace
}  // namespace moca::experiment
