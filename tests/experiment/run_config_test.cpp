#include "moca/experiment/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "moca/nn/lora.h"
#include "tests/support/refusal.h"
#include "tests/support/source_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::refusal;

std::vector<fs::path> config_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(testing::source_folder() / "configs")) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path());
    }
  }
  return files;
}

// Recipes start from model folders that a clone does not have; a dataset is the base of runs.
std::vector<std::string> without_public_weights(const fs::path& file) {
  if (file.parent_path().filename() == "datasets") {
    return {"vae_run=runs/vae"};
  }
  const bool needs_them = read_file(file).find("models/") != std::string::npos;
  return needs_them ? std::vector<std::string>{"pretrained.vae=", "pretrained.dit=",
                                               "pretrained.image_encoder=", "vae_run=runs/vae"}
                    : std::vector<std::string>{};
}

std::string refusal_of(const std::string& yaml) {
  return refusal([&] { config::parse<RunConfig>(yaml, "run.yaml"); });
}

TEST(RunConfig, EveryFileInConfigsLoads) {
  ASSERT_GE(config_files().size(), 4U);
  for (const auto& file : config_files()) {
    EXPECT_EQ(refusal([&] { load_config(file, without_public_weights(file)); }), "accepted")
        << file;
  }
}

TEST(RunConfig, IsTheSameAfterDumpAndLoad) {
  const testing::TemporaryFolder folder;
  for (const auto& file : config_files()) {
    auto config = load_config(file, without_public_weights(file));
    config.runs_folder = folder.path();
    const auto text = config::dump(config);
    fs::create_directories(config.folder());
    write_file(config.folder() / "config.yaml", text);
    EXPECT_EQ(config::dump(load_run(config.folder())), text) << file;
  }
}

// Paper A.2; the sizes are TripoSG's, the settings' defaults.
TEST(RunConfig, TheRecipesAreThePapers) {
  const auto recipe = [](const char* name) {
    const auto file = testing::source_folder() / "configs" / name;
    return load_config(file, without_public_weights(file));
  };
  struct Phase {
    const char* file;
    int64_t tokens, steps, micro_batches, channels;
    double learning_rate;
  };
  for (const auto& phase : {Phase{"object_512.yaml", 512, 40000, 32, 3, 1e-4},
                            Phase{"object_1024.yaml", 1024, 10000, 32, 3, 4e-5},
                            Phase{"scene_1024.yaml", 1024, 10000, 8, 7, 4e-5}}) {
    const auto config = recipe(phase.file);
    EXPECT_EQ(config.vae.num_tokens, phase.tokens) << phase.file;
    EXPECT_EQ(config.training.max_steps, phase.steps) << phase.file;
    EXPECT_EQ(config.training.micro_batches, phase.micro_batches) << phase.file;
    EXPECT_EQ(config.training.optimizer.learning_rate, phase.learning_rate) << phase.file;
    EXPECT_EQ(config.image_encoder.num_channels, phase.channels) << phase.file;
    EXPECT_EQ(config.dit_training.max_components, 32) << phase.file;
    EXPECT_EQ(config.dit_training.condition_dropout, 0.1) << phase.file;
    EXPECT_EQ(config.vae.num_tokens / config.dit.num_compressed_tokens, 8) << phase.file;
    EXPECT_EQ(config.dit.width, 2048) << phase.file;
  }
  const auto scene = recipe("scene_1024.yaml");
  EXPECT_EQ(scene.adapter.kind.name, "lora");
  EXPECT_EQ(scene.pretrained.inflation, image_encoder::Inflation::kZero);
  EXPECT_EQ(scene.adapter.kind.settings<nn::LoraConfig>().also_train,
            std::vector<std::string>{"patch_embeddings.projection"});
}

TEST(RunConfig, TakesItsNameFromTheFile) {
  const auto file = testing::source_folder() / "configs/quickstart.yaml";
  EXPECT_EQ(load_config(file, {}).name, "quickstart");
  EXPECT_EQ(load_config(file, {"name=mine"}).name, "mine");
}

TEST(RunConfig, ANameIsOneFolder) {
  for (const char* name : {"a/b", "/tmp/a", "..", "."}) {
    EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, name: " + std::string(name) + "}"),
                HasSubstr("name (" + std::string(name) + ") names a folder inside runs_folder"));
  }
  EXPECT_EQ(refusal_of("{vae_run: v, data: {path: d}, name: a..b.c}"), "accepted");
}

TEST(RunConfig, ARetiredSettingIsRefusedWithItsSuccessor) {
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, decoder: {band: 0.1}}"),
              HasSubstr("unknown setting 'decoder.band'. An earlier version had it: "
                        "decoder.max_slope says"));
}

TEST(RunConfig, ASuggestionIsAWholePath) {
  EXPECT_THAT(refusal_of("{training: {optimizer: {lerning_rate: 1}}}"),
              HasSubstr("Did you mean 'training.optimizer.learning_rate'?"));
  EXPECT_THAT(refusal([] {
                config::parse<RunConfig>("{}", "run.yaml", {"training.optimizer.lerning_rate=1"});
              }),
              HasSubstr("Did you mean 'training.optimizer.learning_rate'?"));
}

TEST(RunConfig, AnUnknownOptimizerIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(refusal_of("{training: {optimizer: {name: adamv}}}"),
            "run.yaml:1: training.optimizer.name must be one of {adamw}, got 'adamv'. Did you mean "
            "'adamw'?");
}

TEST(RunConfig, ConfigsReadmeHoldsEverySetting) {
  const auto settings = config::settings_markdown(config::describe(RunConfig()));
  const auto readme = read_file(testing::source_folder() / "configs/README.md");
  EXPECT_NE(readme.find(settings), std::string::npos)
      << "write the output of `moca settings --markdown` into configs/README.md";
}

TEST(RunConfig, OfACopiedRunIsTheCopys) {
  const testing::TemporaryFolder folder;
  RunConfig config;
  config.name = "original";
  config.runs_folder = folder.path();
  config.vae_run = "some_vae";
  config.data.path = "some_dataset";
  for (const char* name : {"original", "copy"}) {
    fs::create_directories(folder / name);
    write_file(folder / name / "config.yaml", config::dump(config));
  }
  EXPECT_EQ(load_run(folder / "original").folder(), folder / "original");
  EXPECT_EQ(load_run(folder / "copy").folder(), folder / "copy");
  EXPECT_EQ(load_run((folder / "copy").string() + "/").folder(), folder / "copy");
  fs::remove_all(folder / "original");
  EXPECT_EQ(load_run(folder / "copy").folder(), folder / "copy") << "the original is gone";
}

TEST(RunConfig, OfAFolderThatIsNoRunIsRefused) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(refusal([&] { load_run(folder.path()); }),
              HasSubstr("no run at " + folder.path().string() + " (config.yaml is missing)"));
}

TEST(RunConfig, RefusesADitWithoutAVae) {
  EXPECT_THAT(
      refusal_of("{stage: dit, data: {path: d}}"),
      HasSubstr("vae_run is empty: stage dit needs the folder of a run that trained the VAE"));
  EXPECT_EQ(refusal_of("{stage: dit, vae_run: v, data: {path: d}}"), "accepted");
}

TEST(RunConfig, RefusesMoreComponentsThanIds) {
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d, max_components: 51}}"),
              HasSubstr("data.max_components (51) must be at most dit.codebook_size (50)"));
  EXPECT_EQ(refusal_of("{vae_run: v, data: {path: d, max_components: 50}}"), "accepted");
}

TEST(RunConfig, RefusesAVaeOfMoreTokensThanPoints) {
  EXPECT_THAT(
      refusal_of("{stage: vae, data: {path: d}, vae: {num_tokens: 64, num_surface_points: 63}}"),
      HasSubstr("vae.num_surface_points (63) must be at least vae.num_tokens"));
  EXPECT_THAT(refusal_of("{stage: vae, data: {path: d, num_surface_points: 63}, "
                         "vae: {num_tokens: 64}}"),
              HasSubstr("data.num_surface_points (63) must be at least vae.num_tokens (64)"));
}

TEST(RunConfig, ASettingThatIsElsewhereOrMisspeltIsAnsweredWithItsWholePath) {
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, vae_training: {num_surface_points: 64}}"),
              HasSubstr("unknown setting 'vae_training.num_surface_points'. An earlier version had "
                        "it: vae.num_surface_points."));
  EXPECT_THAT(refusal_of("{training: {optimizer: {lerning_rate: 1}}}"),
              HasSubstr("Did you mean 'training.optimizer.learning_rate'?"));
  EXPECT_THAT(refusal_of("{training: {learning_rate: 1}}"),
              HasSubstr("Did you mean 'training.optimizer.learning_rate'?"));
}

TEST(RunConfig, RefusesScoresWithoutAThreshold) {
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, evaluation: {metrics: {thresholds: []}}}"),
              HasSubstr("evaluation.metrics.thresholds is empty"));
}

TEST(RunConfig, RefusesADecoderThatTakesTheFieldForFlatterThanItIs) {
  const auto with = [](const std::string& sections) {
    return refusal_of("{stage: vae, data: {path: d}, " + sections + "}");
  };
  EXPECT_THAT(with("decoder: {max_slope: 9.9}, vae_training: {truncation: 0.1}"),
              HasSubstr("decoder.max_slope (9.9) must be at least 1 / vae_training.truncation = "
                        "10, the slope of the VAE's field"));
  for (const char* sound : {"decoder: {max_slope: 10}, vae_training: {truncation: 0.1}",
                            "decoder: {max_slope: 0}, vae_training: {truncation: 0.1}",
                            "decoder: {max_slope: 5}, vae_training: {truncation: 0.2}",
                            "decoder: {max_slope: 1}, vae_training: {target: occupancy}"}) {
    EXPECT_EQ(with(sound), "accepted") << sound;
  }
}

TEST(RunConfig, NamesAViewThatIsNone) {
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, evaluation: {view: sideways}}"),
              HasSubstr("evaluation.view must be one of {fixed, random, all}, got 'sideways'"));
  EXPECT_THAT(refusal_of("{vae_run: v, data: {path: d}, evaluation: {view_index: 1}}"),
              HasSubstr("evaluation.view_index is 1, but evaluation.view is random"));
}

TEST(RunConfig, RefusesModelsWhoseSizesDoNotFit) {
  const auto with = [](const std::string& section) {
    return refusal_of("{vae_run: v, data: {path: d}, " + section + "}");
  };
  EXPECT_THAT(with("dit: {width: 30, num_heads: 4}"),
              HasSubstr("dit.width (30) must be a multiple of dit.num_heads (4)"));
  EXPECT_THAT(with("dit: {num_layers: 3, global_blocks: [0, 3]}"),
              HasSubstr("dit.global_blocks names block 3, but dit.num_layers is 3: use 0 to 2"));
  EXPECT_THAT(with("vae: {width_decoder: 30, num_heads: 4}"),
              HasSubstr("vae.width_decoder (30) must be a multiple of vae.num_heads (4)"));
  EXPECT_THAT(with("image_encoder: {image_size: 225}"),
              HasSubstr("image_encoder.image_size (225) must be a multiple of"));
  EXPECT_THAT(with("decoder: {resolution: 100}"), HasSubstr("decoder.resolution (100) must be"));
}

}  // namespace
}  // namespace moca::experiment
