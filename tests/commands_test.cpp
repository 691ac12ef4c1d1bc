// Runs the moca program itself, as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"

namespace moca {
namespace {

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

std::string config(const std::string& name) {
  return (fs::path(MOCA_SOURCE_DIR) / "configs" / name).string();
}

// A run of the tiny configurations in one folder, made once for all tests that look at it.
class Commands : public ::testing::Test {
 protected:
  static Outcome moca(const std::string& arguments) {
    return run("cd " + folder_->path().string() + " && OMP_NUM_THREADS=2 " MOCA_PROGRAM " " +
               arguments);
  }

  static void SetUpTestSuite() {
    folder_ = new testing::TemporaryFolder();
    for (const std::string& step :
         {"prepare-data " + config("tiny_vae.yaml"), "train " + config("tiny_vae.yaml"),
          "train " + config("tiny.yaml"), std::string("evaluate runs/tiny"),
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
        "runs/tiny/evaluation/0000_chair/picture.png", "runs/tiny/report.html",
        "runs/tiny/contact_sheet_train.png", "runs/tiny/contact_sheet_test.png"}) {
    EXPECT_TRUE(fs::exists(*folder_ / file)) << file;
  }
}

TEST_F(Commands, SampleWritesOneMeshPerComponent) {
  const auto outcome = moca(
      "sample runs/tiny runs/tiny/evaluation/0000_chair/picture.png --components 3 --out sampled");
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_TRUE(fs::exists(*folder_ / "sampled/asset.glb"));
  expect_refusal("sample runs/tiny runs/tiny/evaluation/0000_chair/picture.png --out sampled",
                 "sampled exists already and is not overwritten");
}

TEST_F(Commands, MetricsOfAMeshAgainstItselfAreNearlyPerfect) {
  const std::string reference = "runs/tiny/evaluation/0000_chair/asset.glb ";
  const auto outcome = moca("metrics " + reference + reference + "num_points=5000");
  if (outcome.output.find("no faces") == std::string::npos) {
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("F@0.1            1.0000"));
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
                 "its config differs: 'width: 32");
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
  write_file(*folder_ / "broken.png", "this is no picture");
  expect_refusal("sample runs/tiny broken.png", "broken.png");
  expect_refusal("sample runs/tiny missing.png", "missing.png");
  expect_refusal("sample runs/tiny_vae runs/tiny/evaluation/0000_chair/picture.png",
                 "stage vae and cannot generate");
  expect_refusal(
      "sample runs/tiny runs/tiny/evaluation/0000_chair/picture.png --components 99 --out o",
      "ids for 1 to 50");
  expect_refusal("train missing.yaml", "missing.yaml");
  expect_refusal("train " + config("tiny.yaml") + " name=a data.path=nowhere",
                 "no prepared dataset at nowhere");
  expect_refusal("train " + config("tiny.yaml") + " name=a vae_run=runs/nowhere",
                 "no run at runs/nowhere");
  expect_refusal("train " + config("tiny.yaml") + " name=a dit.with=64", "Did you mean 'width'?");
  expect_refusal("train " + config("tiny.yaml") + " name=a device=cuda:9", "cannot be used");
  expect_refusal("evaluate runs/nowhere", "no run at runs/nowhere");
  expect_refusal("evaluate runs/tiny", "evaluation exists already and is not overwritten");
  expect_refusal("prepare-data " + config("tiny_vae.yaml"),
                 "exists already and is not overwritten");
  expect_refusal("tarin", "Did you mean 'train'?");
  expect_refusal("metrics missing.glb missing.glb", "missing.glb");
  EXPECT_FALSE(fs::exists(*folder_ / "runs/a")) << "a refused run left its folder behind";
}

TEST_F(Commands, RefuseACheckpointOfAnotherArchitecture) {
  const auto text = read_file(*folder_ / "runs/tiny/config.yaml");
  auto changed = text;
  changed.replace(changed.find("num_layers: 3"), 13, "num_layers: 4");
  fs::create_directories(*folder_ / "runs/changed");
  write_file(*folder_ / "runs/changed/config.yaml", changed);
  fs::copy(*folder_ / "runs/tiny/checkpoints", *folder_ / "runs/changed/checkpoints",
           fs::copy_options::recursive);
  expect_refusal("sample runs/changed runs/tiny/evaluation/0000_chair/picture.png name=changed",
                 "The checkpoint is of another architecture");
}

TEST_F(Commands, HelpNamesEverySubcommandAndSettingsEverySection) {
  const auto help = moca("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* command :
       {"prepare-data", "train", "sample", "evaluate", "metrics", "report", "settings"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    EXPECT_EQ(moca(std::string(command) + " --help").code, 0) << command;
  }
  EXPECT_THAT(moca("settings").output, HasSubstr("num_selected"));
}

}  // namespace
}  // namespace moca
