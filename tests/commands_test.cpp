// Runs the moca program itself, as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "moca/core/file_io.h"
#include "moca/image/image_io.h"
#include "tests/support/shared_folder.h"
#include "tests/support/source_folder.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

struct Outcome {
  int code = 0;
  std::string output;  // standard output and error together
};

Outcome run(const std::string& shell_command) {
  Outcome outcome;
  FILE* pipe = popen(("( " + shell_command + " ) 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    outcome.output += buffer.data();
  }
  const int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

// MOCA_TEST_PROGRAM names another one than that of this build.
std::string program() {
  const char* const wanted = std::getenv("MOCA_TEST_PROGRAM");
  return wanted == nullptr ? MOCA_PROGRAM : wanted;
}

std::string config(const std::string& name) {
  return (testing::source_folder() / "configs" / name).string();
}

// Where models compute: MOCA_TEST_DEVICE, else the CPU.
std::string on_device() {
  const char* const wanted = std::getenv("MOCA_TEST_DEVICE");
  return std::string(" device=") + (wanted == nullptr ? "cpu" : wanted);
}

// A run of the tiny configurations in one folder, made once for all tests that look at it.
class Commands : public ::testing::Test {
 protected:
  static Outcome moca(const std::string& arguments) {
    return run("cd " + folder_->path().string() + " && OMP_NUM_THREADS=2 " + program() + " " +
               arguments);
  }

  static void SetUpTestSuite() {
    folder_ = new testing::TemporaryFolder();
    for (const std::string& step :
         {"prepare-data " + config("tiny_vae.yaml"),
          "train " + config("tiny_vae.yaml") + on_device(),
          "train " + config("tiny.yaml") + on_device(), std::string("evaluate runs/tiny"),
          std::string("report runs/tiny")}) {
      const auto outcome = moca(step);
      ASSERT_EQ(outcome.code, 0) << step << "\n" << outcome.output;
    }
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  // One clear line, exit code 2.
  static void expect_refusal(const std::string& arguments, const std::string& message) {
    const auto outcome = moca(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr(message));
    const auto mistake = outcome.output.substr(outcome.output.find("moca: "));
    EXPECT_EQ(std::count(mistake.begin(), mistake.end(), '\n'), 1) << mistake;
  }

  static testing::TemporaryFolder* folder_;
};

testing::TemporaryFolder* Commands::folder_ = nullptr;

TEST_F(Commands, LeaveTheFilesTheyPromise) {
  for (const char* file :
       {"datasets/tiny/index.json", "runs/tiny_vae/config.yaml", "runs/tiny/config.yaml",
        "runs/tiny/environment.json", "runs/tiny/log.txt", "runs/tiny/metrics.jsonl",
        "runs/tiny/checkpoints/step_00000020/model.safetensors",
        "runs/tiny/evaluation/evaluation.json", "runs/tiny/evaluation/0000_chair/asset.glb",
        "runs/tiny/evaluation/0000_chair/image.png", "runs/tiny/report.html",
        "runs/tiny/contact_sheet_train.png", "runs/tiny/contact_sheet_test.png"}) {
    EXPECT_TRUE(fs::exists(*folder_ / file)) << file;
  }
}

TEST_F(Commands, SampleWritesOneMeshPerComponent) {
  const auto outcome = moca(
      "sample --run runs/tiny --image runs/tiny/evaluation/0000_chair/image.png --components 3 "
      "--out sampled");
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_TRUE(fs::exists(*folder_ / "sampled/asset.glb"));
  expect_refusal(
      "sample --run runs/tiny --image runs/tiny/evaluation/0000_chair/image.png --out sampled",
      "sampled exists already and is not overwritten");
}

TEST_F(Commands, MetricsOfAMeshAgainstItselfAreNearlyPerfect) {
  const std::string reference = "runs/tiny/evaluation/0000_chair/asset.glb ";
  const auto outcome = moca("metrics " + reference + reference + "num_points=5000");
  if (outcome.output.find("no faces") == std::string::npos) {
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    // Two draws of points on the same surface: a speck may be met by one of them alone.
    EXPECT_THAT(outcome.output, ContainsRegex("F@0.1 +(1.0000|0.99)"));
  }
}

TEST_F(Commands, TheResolvedConfigRepeatsTheRun) {
  const auto outcome = moca("train runs/tiny/config.yaml name=again training.num_threads=1");
  ASSERT_EQ(outcome.code, 0) << outcome.output;
  const auto once_more = moca("train runs/tiny/config.yaml name=once_more training.num_threads=1");
  ASSERT_EQ(once_more.code, 0) << once_more.output;
  const auto model = [&](const char* name) {
    return read_file(*folder_ /
                     ("runs/" + std::string(name) + "/checkpoints/step_00000020/ema.safetensors"));
  };
  EXPECT_EQ(model("again"), model("once_more"));
}

TEST_F(Commands, ARunIsNeverOverwrittenAndResumesWhenAsked) {
  expect_refusal("train " + config("tiny.yaml"),
                 "runs/tiny exists already and is not overwritten. Continue it with --resume");
  EXPECT_EQ(moca("train --resume " + config("tiny.yaml")).code, 0);
  expect_refusal("train --resume " + config("tiny.yaml") + " dit.width=64",
                 "with dit.width=64 (before: 32): that would be another run");
}

TEST_F(Commands, CtrlCLeavesAUsableCheckpoint) {
  const auto outcome =
      moca("train " + config("tiny_vae.yaml") +
           " name=stopped training.max_steps=1000000 & pid=$!; sleep 4; kill -INT $pid; wait $pid");
  EXPECT_EQ(outcome.code, 130) << outcome.output;
  EXPECT_THAT(outcome.output,
              HasSubstr("interrupted; a checkpoint was written. Continue with --resume."));
  EXPECT_EQ(moca("train --resume " + config("tiny_vae.yaml") +
                 " name=stopped training.max_steps=1000000 training.max_minutes=0.01")
                .code,
            0);
}

TEST_F(Commands, RefuseWhatTheyCannotUseInOneLine) {
  write_file(*folder_ / "broken.png", "this is no image");
  expect_refusal("sample --run runs/tiny --image broken.png", "broken.png");
  expect_refusal("sample --run runs/tiny --image missing.png", "missing.png");
  expect_refusal("sample --run runs/tiny_vae --image runs/tiny/evaluation/0000_chair/image.png",
                 "stage vae and cannot generate");
  expect_refusal(
      "sample --run runs/tiny --image runs/tiny/evaluation/0000_chair/image.png --components 99 "
      "--out o",
      "ids for 1 to 50");
  expect_refusal("train missing.yaml", "missing.yaml");
  expect_refusal("train " + config("tiny.yaml") + " name=a data.path=nowhere",
                 "no prepared dataset at nowhere in the working folder ");
  expect_refusal("train " + config("tiny.yaml") + " name=a vae_run=runs/nowhere",
                 "no run at runs/nowhere in the working folder ");
  expect_refusal("train " + config("tiny.yaml") + " name=a data.num_held_out=0",
                 "data.num_held_out is 0, but the dataset datasets/tiny was prepared with 1");
  expect_refusal("train " + config("tiny.yaml") + " name=a training.num_threads=100000",
                 "training.num_threads (100000) must be at most");
  expect_refusal("benchmark attention --threads 100000", "--threads (100000) must be at most");
  expect_refusal("benchmark attention --device cuda:99", "device 'cuda:99'");
  expect_refusal("train " + config("tiny.yaml") + " name=a dit.with=64",
                 "Did you mean 'dit.width'?");
  expect_refusal("train " + config("tiny.yaml") + " name=a device=cuda:99", "device 'cuda:99'");
  expect_refusal("evaluate runs/nowhere", "no run at runs/nowhere");
  expect_refusal("evaluate runs/tiny", "evaluation exists already and is not overwritten");
  expect_refusal("prepare-data " + config("tiny_vae.yaml"),
                 "exists already and is not overwritten");
  expect_refusal("tarin", "Did you mean 'train'?");
  expect_refusal("metrics missing.glb missing.glb", "missing.glb");
  EXPECT_FALSE(fs::exists(*folder_ / "runs/a")) << "a refused run left its folder behind";
}

TEST_F(Commands, AMistakeOnTheCommandLineIsOneLine) {
  const std::string image = "sample --run runs/tiny --image x.png ";
  expect_refusal(image + "--components 1.5", "--components = 1.5. See ");
  expect_refusal(image + "--componets 2", "--componets");
  expect_refusal(image + "--seed 99999999999999999999", "does not fit in 64 bits");
  expect_refusal("sample --run runs/tiny", "--image is required");
  expect_refusal("benchmark", "required");
  expect_refusal("benchmark attention --precision fp64", "fp64");
  expect_refusal("", "A subcommand is required");
}

TEST_F(Commands, ARunWorksFromEveryFolderAndAfterAMove) {
  const auto elsewhere = *folder_ / "elsewhere";
  fs::create_directories(elsewhere);
  const auto runs = (*folder_ / "runs").string();
  const auto from_elsewhere = [&](const std::string& arguments) {
    const auto outcome =
        run("cd " + elsewhere.string() + " && OMP_NUM_THREADS=1 " + program() + " " + arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.output;
  };
  from_elsewhere("evaluate " + runs + "/tiny --out scores sampler.num_steps=1");
  from_elsewhere("evaluate ../runs/tiny_vae --out scores_of_vae");
  from_elsewhere("train ../runs/tiny/config.yaml name=from_elsewhere training.max_steps=2");
  EXPECT_TRUE(fs::exists(*folder_ / "runs/from_elsewhere/config.yaml"));
  from_elsewhere("prepare-data ../runs/tiny/config.yaml data.path=again");
  EXPECT_EQ(read_file(elsewhere / "again/shard_00000.safetensors"),
            read_file(*folder_ / "datasets/tiny/shard_00000.safetensors"));
  const auto moved = *folder_ / "moved";
  for (const char* part : {"datasets/tiny", "runs/tiny", "runs/tiny_vae"}) {
    fs::create_directories((moved / part).parent_path());
    fs::copy(*folder_ / part, moved / part, fs::copy_options::recursive);
  }
  fs::rename(*folder_ / "datasets", *folder_ / "hidden");
  from_elsewhere("evaluate ../moved/runs/tiny --out scores_of_moved sampler.num_steps=1");
  fs::rename(*folder_ / "hidden", *folder_ / "datasets");
}

TEST_F(Commands, RefuseACheckpointOfAnotherArchitecture) {
  const auto text = read_file(*folder_ / "runs/tiny/config.yaml");
  auto changed = text;
  changed.replace(changed.find("num_layers: 3"), 13, "num_layers: 4");
  fs::create_directories(*folder_ / "runs/changed");
  write_file(*folder_ / "runs/changed/config.yaml", changed);
  fs::copy(*folder_ / "runs/tiny/checkpoints", *folder_ / "runs/changed/checkpoints",
           fs::copy_options::recursive);
  expect_refusal("sample --run runs/changed --image runs/tiny/evaluation/0000_chair/image.png",
                 "The checkpoint is of another architecture");
}

TEST_F(Commands, ConvertWeightsWritesAFolderThatSampleAndTrainingTake) {
  const std::string image = " --image runs/tiny/evaluation/0000_chair/image.png --components 2 ";
  ASSERT_EQ(moca("convert-weights runs/tiny exported").code, 0);
  for (const char* file :
       {"model_index.json", "vae/diffusion_pytorch_model.safetensors", "vae/config.json",
        "transformer/diffusion_pytorch_model.safetensors", "transformer/config.json",
        "image_encoder_dinov2/model.safetensors", "scheduler/scheduler_config.json",
        "feature_extractor_dinov2/preprocessor_config.json"}) {
    EXPECT_TRUE(fs::exists(*folder_ / "exported" / file)) << file;
  }
  expect_refusal("convert-weights runs/tiny exported", "exported exists already");
  for (const std::string precision : {"fp32", "bf16"}) {
    const auto outcome =
        moca("sample --weights exported" + image + "--precision " + precision + " --out from_" +
             precision + " sampler.num_steps=2 decoder.resolution=17 decoder.coarse_resolution=9");
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    EXPECT_TRUE(fs::exists(*folder_ / ("from_" + precision) / "asset.glb"));
    EXPECT_THAT(outcome.output, HasSubstr("0 new, 0 refused"));
  }
  const auto trained = moca("train " + config("tiny.yaml") + on_device() +
                            " name=started vae_run= pretrained.vae=exported pretrained.dit=exported"
                            " pretrained.image_encoder=exported training.max_steps=2");
  EXPECT_EQ(trained.code, 0) << trained.output;
}

TEST_F(Commands, AnExportSamplesTheBytesOfItsRun) {
  ASSERT_EQ(moca("train " + config("tiny.yaml") + on_device() +
                 " name=dense dit.global_attention=dense sampler.guidance_scale=3")
                .code,
            0);
  const std::string image =
      " --image runs/tiny/evaluation/0000_chair/image.png --components 3 --seed 5 --out ";
  for (const std::string run : {"tiny", "dense"}) {
    ASSERT_EQ(moca("convert-weights runs/" + run + " export_" + run).code, 0);
    ASSERT_EQ(moca("sample --run runs/" + run + image + "of_run_" + run).code, 0);
    const auto outcome =
        moca("sample --weights export_" + run + image + "of_export_" + run + on_device());
    ASSERT_EQ(outcome.code, 0) << outcome.output;
    size_t files = 0;
    for (const auto& entry : fs::directory_iterator(*folder_ / ("of_run_" + run))) {
      if (entry.path().filename() == "sample.json") {
        continue;  // names the folders
      }
      const auto other = *folder_ / ("of_export_" + run) / entry.path().filename();
      EXPECT_EQ(read_file(entry.path()), read_file(other)) << run << ", " << other.filename();
      ++files;
    }
    EXPECT_EQ(files, 12U) << "asset.glb, latents.safetensors, preview.png and three files of each "
                             "component";
  }
}

TEST_F(Commands, AnExportWithoutWhatSamplingNeedsIsRefusedWithItsName) {
  const std::string image = " --image runs/tiny/evaluation/0000_chair/image.png --out needs";
  ASSERT_EQ(moca("convert-weights runs/tiny needs_settings").code, 0);
  const auto file = *folder_ / "needs_settings/model_index.json";
  auto text = read_file(file);
  const std::string tokens = "\"vae.num_tokens\": 8,";
  ASSERT_NE(text.find(tokens), std::string::npos) << text;
  write_file(file, text.erase(text.find(tokens), tokens.size()));
  expect_refusal("sample --weights needs_settings" + image,
                 "model_index.json: _sampling.settings.vae.num_tokens is missing");
  EXPECT_EQ(moca("sample --weights needs_settings vae.num_tokens=8" + image).code, 0);
  fs::remove(file);
  expect_refusal("sample --weights needs_settings" + image + "2", "_sampling is missing");
}

TEST_F(Commands, AModelWithoutComponentIdsTrainsAndIsEvaluated) {
  const auto trained = moca("train " + config("tiny.yaml") + on_device() +
                            " name=no_ids dit.codebook_size=0 training.max_steps=2");
  ASSERT_EQ(trained.code, 0) << trained.output;
  const auto evaluated = moca("evaluate runs/no_ids");
  EXPECT_EQ(evaluated.code, 0) << evaluated.output;
}

// The three phases of the paper's training, each from the weights of the one before.
TEST_F(Commands, TheRecipesTwinsTrainOneAfterAnother) {
  for (const std::string name : {"tiny_object_512", "tiny_object_1024", "tiny_scene_1024"}) {
    const auto trained = moca("train " + config(name + ".yaml") + on_device());
    ASSERT_EQ(trained.code, 0) << name << "\n" << trained.output;
    EXPECT_THAT(read_file(*folder_ / "runs" / name / "metrics.jsonl"),
                HasSubstr("validation_chamfer"))
        << name;
    const auto written = moca("convert-weights runs/" + name + " models/" + name);
    ASSERT_EQ(written.code, 0) << name << "\n" << written.output;
  }
  const auto evaluated = moca("evaluate runs/tiny_scene_1024");
  EXPECT_EQ(evaluated.code, 0) << evaluated.output;
  expect_refusal(
      "sample --run runs/tiny_scene_1024 --image runs/tiny/evaluation/0000_chair/image.png "
      "--out scene",
      "it needs a map of the image in which pixels of component i hold i + 1");
  const auto image = read_image(*folder_ / "runs/tiny/evaluation/0000_chair/image.png");
  Image map(image.width, image.height, 1);
  const std::string scene =
      "sample --run runs/tiny_scene_1024 --image runs/tiny/evaluation/0000_chair/image.png "
      "--component-map map.png --out scene ";
  write_png(*folder_ / "map.png", map);
  expect_refusal(scene, "map.png marks no component");
  std::fill_n(map.at(0, 0), map.pixels.size() / 2, uint8_t{2});
  std::fill_n(map.at(0, map.height - 1), map.width, uint8_t{7});
  write_png(*folder_ / "map.png", map);
  expect_refusal(scene + "--components 7",
                 "--components 7 does not fit --component-map map.png, which marks 2");
  const auto sampled = moca(scene + "--components 2");
  EXPECT_EQ(sampled.code, 0) << sampled.output;
  EXPECT_THAT(sampled.output, HasSubstr("holds the numbers 2, 7"));
}

TEST_F(Commands, PublicWeightsThatDoNotFitAreRefusedInOneLine) {
  const std::string image = " --image runs/tiny/evaluation/0000_chair/image.png --out refused";
  ASSERT_EQ(moca("convert-weights runs/tiny for_mistakes").code, 0);
  expect_refusal("sample --weights nowhere" + image, "no folder nowhere");
  expect_refusal("sample" + image, "name either a run with --run or a model folder");
  expect_refusal("sample --weights for_mistakes --components 51" + image, "ids for 1 to 50");
  fs::resize_file(*folder_ / "for_mistakes/transformer/diffusion_pytorch_model.safetensors", 5000);
  expect_refusal("sample --weights for_mistakes" + image,
                 "for_mistakes/transformer/diffusion_pytorch_model.safetensors");
  fs::remove(*folder_ / "for_mistakes/vae/config.json");
  expect_refusal("sample --weights for_mistakes" + image, "vae/config.json");
}

TEST_F(Commands, VerifyExitsWithOneWhereAFixtureDisagrees) {
  const auto fixture = [&](const std::string& name) {
    return (testing::fixture_folder("golden") / (name + ".safetensors")).string();
  };
  const auto good = moca("verify " + fixture("fps") + " " + fixture("prepare_rgba"));
  EXPECT_EQ(good.code, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("2 of 2 fixtures agree"));
  auto description = read_file(fs::path(fixture("fps")).replace_extension(".json"));
  description.replace(description.find("0.25"), 4, "0.50");
  fs::copy_file(fixture("fps"), *folder_ / "changed.safetensors");
  write_file(*folder_ / "changed.json", description);
  const auto bad = moca("verify changed.safetensors");
  EXPECT_EQ(bad.code, 1) << bad.output;
  EXPECT_THAT(bad.output, HasSubstr("FAIL"));
  expect_refusal("verify missing.safetensors", "missing");
}

TEST_F(Commands, BenchmarkPrintsATableAndWritesTheSameFigures) {
  const std::string sizes =
      " --components 1,4 --precision fp32,bf16 --width 32 --heads 2 --blocks 3 --tokens 8"
      " --compressed 2 --rounds 1 --json figures.json";
  for (const auto& [what, ratio] : {std::pair("attention", "\"moc_over_dense_training\""),
                                    std::pair("forward", "\"routing_share\"")}) {
    const auto outcome = moca(std::string("benchmark ") + what + sizes);
    ASSERT_EQ(outcome.code, 0) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("bf16"));
    EXPECT_THAT(outcome.output, ContainsRegex("[0-9.]+ ms +[0-9]"));
    const auto figures = read_file(*folder_ / "figures.json");
    EXPECT_THAT(figures, HasSubstr(ratio));
    EXPECT_THAT(figures, HasSubstr("\"components\": 4"));
    EXPECT_THAT(figures, HasSubstr("\"tokens\": 8"));
  }
  expect_refusal("benchmark forward --width 33 --heads 2", "must be a multiple of --heads");
}

TEST_F(Commands, HelpNamesEverySubcommandAndSettingsEverySection) {
  const auto help = moca("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* command : {"prepare-data", "train", "sample", "evaluate", "metrics", "report",
                              "settings", "verify", "convert-weights", "benchmark"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    EXPECT_EQ(moca(std::string(command) + " --help").code, 0) << command;
  }
  EXPECT_THAT(moca("settings").output, HasSubstr("num_selected"));
}

}  // namespace
}  // namespace moca
