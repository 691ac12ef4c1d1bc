#include "moca/experiment/train_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "moca/data/prepared_dataset.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/ranks.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::refusal;
using training::StopReason;

// The bytes of the averaged weights that a run ended with.
std::string weights_of(const RunConfig& config) {
  return read_file(checkpoint::step_folder(config.folder() / "checkpoints", 4) / "ema.safetensors");
}

std::string refusal_to_train(const RunConfig& config, Resume resume = {}) {
  return refusal([&] { train_run(config, resume); });
}

// The same, and nothing of a run is left behind.
std::string refusal_to_begin(const RunConfig& config) {
  const auto message = refusal_to_train(config);
  EXPECT_FALSE(fs::exists(config.folder())) << "a refused run left its folder behind";
  return message;
}

TEST(TrainRun, FillsTheRunFolderWithAllItPromises) {
  const TinyRuns runs;
  const auto config = runs.vae_config();
  EXPECT_EQ(train_run(config), StopReason::kFinished);
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), config::dump(config));
  const auto environment = nlohmann::json::parse(read_file(config.folder() / "environment.json"));
  for (const char* key : {"started", "moca", "git_revision", "libtorch", "compiler"}) {
    EXPECT_FALSE(environment.at(key).get<std::string>().empty()) << key;
  }
  EXPECT_EQ(environment.at("device"), testing::device().str());
  EXPECT_THAT(environment.at("device_line").get<std::string>(),
              AllOf(HasSubstr("device " + testing::device().str()), HasSubstr("LibTorch 2.")));
  EXPECT_EQ(environment.at("cpu_threads"), 1);
  EXPECT_THAT(read_file(config.folder() / "log.txt"),
              AllOf(HasSubstr("device " + testing::device().str() + " (device: "),
                    HasSubstr("M trainable parameters, 3 assets to train on"),
                    HasSubstr("train 4/4"), HasSubstr("loss ")));
  const auto metrics = read_file(config.folder() / "metrics.jsonl");
  EXPECT_THAT(metrics, HasSubstr("{\"step\":4,\"loss\":"));
  EXPECT_EQ(metrics.find("gpu_memory_gib") != metrics.npos, !testing::device().is_cpu());
  for (const char* file :
       {"model.safetensors", "ema.safetensors", "optimizer.safetensors", "state.json"}) {
    EXPECT_TRUE(fs::exists(checkpoint::step_folder(config.folder() / "checkpoints", 4) / file))
        << file;
  }
}

TEST(TrainRun, EqualSettingsGiveEqualBitsInBothStagesAndAnotherSeedOthers) {
  const TinyRuns runs;
  for (const auto stage : {Stage::kVae, Stage::kDit}) {
    const auto config = [&](const std::string& name) {
      return stage == Stage::kVae ? runs.vae_config(name) : runs.dit_config(name);
    };
    const std::string prefix = stage == Stage::kVae ? "vae" : "dit";
    const auto first = config(prefix);
    const auto second = config(prefix + "_again");
    auto other = config(prefix + "_other");
    other.seed = 1;
    for (const auto& run : {first, second, other}) {
      train_run(run);
    }
    EXPECT_EQ(weights_of(second), weights_of(first)) << prefix;
    EXPECT_NE(weights_of(other), weights_of(first)) << prefix;
  }
}

TEST(TrainRun, TheResolvedConfigAloneRepeatsTheRun) {
  const TinyRuns runs;
  const auto config = runs.vae_config();
  train_run(config);
  const auto again = load_config(config.folder() / "config.yaml", {"name=again"});
  train_run(again);
  EXPECT_EQ(weights_of(again), weights_of(config));
}

TEST(TrainRun, ARunFolderIsNeverOverwritten) {
  const TinyRuns runs;
  const auto config = runs.vae_config();
  fs::create_directories(config.folder());
  write_file(config.folder() / "notes.txt", "the user's own");
  EXPECT_THAT(refusal_to_train(config),
              AllOf(HasSubstr("the run folder " + config.folder().string()),
                    HasSubstr("exists already and is not overwritten"),
                    HasSubstr("Continue it with --resume, or choose another name=")));
  EXPECT_EQ(std::distance(fs::directory_iterator(config.folder()), {}), 1) << "files were added";
}

TEST(TrainRun, ContinuesAStoppedRunToTheSameBits) {
  const TinyRuns runs;
  train_run(runs.vae_config());
  for (const auto& [whole, stopped] :
       {std::pair(runs.vae_config(), runs.vae_config("vae_stopped")),
        std::pair(runs.dit_config(), runs.dit_config("dit_stopped"))}) {
    if (!fs::exists(whole.folder())) {
      train_run(whole);
    }
    train_run(stopped);
    fs::remove_all(checkpoint::step_folder(stopped.folder() / "checkpoints", 4));  // killed there
    EXPECT_EQ(train_run(stopped, {.asked = true}), StopReason::kFinished);
    EXPECT_EQ(weights_of(stopped), weights_of(whole)) << stopped.name;
  }
}

TEST(TrainRun, IsNotResumedWithSettingsOfAnotherRun) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  const auto weights = weights_of(config);
  const auto before = read_file(config.folder() / "config.yaml");
  config.training.optimizer.beta1 = 0.5;
  config.vae.num_layers_decoder = 2;
  config.training.optimizer.learning_rate = 0.5;
  // The architecture is found out first, by the checkpoint.
  EXPECT_NE(refusal_to_train(config, {.asked = true}), "accepted");
  config.vae.num_layers_decoder = runs.vae_config().vae.num_layers_decoder;
  config.training.batch_size = 3;
  EXPECT_THAT(
      refusal_to_train(config, {.asked = true}),
      AllOf(HasSubstr("with training.batch_size=3 (before: 4), training.optimizer.beta1=0.5 "
                      "(before: 0.9): that would be another run"),
            HasSubstr("Resume with the settings of its config.yaml"),
            HasSubstr("training.optimizer.learning_rate")));
  EXPECT_EQ(weights_of(config), weights);
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), before);
}

TEST(TrainRun, IsResumedWithAnotherLearningRateScheduleAndLengthAndItsConfigSaysSo) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  config.training.max_steps = 6;
  config.training.optimizer.learning_rate = 0.5;
  config.training.optimizer.schedule = training::Schedule::kCosine;
  EXPECT_EQ(train_run(config, {.asked = true}), StopReason::kFinished);
  EXPECT_TRUE(fs::exists(checkpoint::step_folder(config.folder() / "checkpoints", 6)));
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), config::dump(config));
  EXPECT_THAT(read_file(config.folder() / "log.txt"),
              AllOf(HasSubstr("resumed with training.max_steps=6 (before: 4), "
                              "training.optimizer.learning_rate=0.5 (before: 0.01), "
                              "training.optimizer.schedule=cosine (before: constant)"),
                    HasSubstr("train 6/6")));
  std::vector<double> rates;
  std::istringstream lines(read_file(config.folder() / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    rates.push_back(nlohmann::json::parse(line).at("learning_rate"));
  }
  EXPECT_EQ(rates.size(), 6U);
  EXPECT_DOUBLE_EQ(rates[4], training::learning_rate_at(config.training.optimizer, 4, 6));
}

TEST(TrainRun, IsResumedWhereverItWasMovedToAndForAsLongAsIsWanted) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  fs::create_directories(runs / "elsewhere");
  fs::rename(config.folder(), runs / "elsewhere/renamed");
  config.runs_folder = runs / "elsewhere";
  config.name = "renamed";
  config.training.log_every = 3;
  config.training.checkpoint_every = 7;
  config.training.keep_checkpoints = 9;
  config.training.max_minutes = 60;
  EXPECT_EQ(refusal_to_train(config, {.asked = true}), "accepted");
}

TEST(TrainRun, DoesNotGoBackAndSaysWhenItIsFinished) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(train_run(config, {.asked = true}), StopReason::kFinished);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("the run is finished: step 4 of 4. A larger training.max_steps goes on"));
  const auto before = read_file(config.folder() / "config.yaml");
  config.training.max_steps = 2;
  EXPECT_THAT(refusal_to_train(config, {.asked = true}),
              HasSubstr("training.max_steps (2) must be at least 4"));
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), before);
}

TEST(TrainRun, IsResumedWithAnotherWarmUpAndLargestGradient) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  config.training.optimizer.warmup_steps = 3;
  config.training.optimizer.max_gradient_norm = 0.5;
  EXPECT_EQ(train_run(config, {.asked = true}), StopReason::kFinished);
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), config::dump(config));
}

TEST(TrainRun, IsResumedWithOtherIntervalsThreadsAndScoresAndItsConfigSaysSo) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  config.training.log_every = 3;
  config.training.loader_threads = 0;
  config.training.peak_tflops = 5;
  config.evaluation.metrics.num_points = 100;
  EXPECT_EQ(train_run(config, {.asked = true}), StopReason::kFinished);
  EXPECT_EQ(read_file(config.folder() / "config.yaml"), config::dump(config));
  EXPECT_THAT(read_file(config.folder() / "log.txt"),
              HasSubstr("resumed with training.log_every=3 (before: 1), training.loader_threads=0 "
                        "(before: 1), training.peak_tflops=5 (before: 0), "
                        "evaluation.metrics.num_points=100 (before: 200)"));
}

TEST(TrainRun, IsNotResumedWithAnotherOptimizer) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  config.training.optimizer.kind.name = "another";
  EXPECT_THAT(refusal_to_train(config, {.asked = true}),
              HasSubstr("training.optimizer.name=another (before: adamw)"));
}

std::vector<dit::GlobalAttentionKind> kinds_of_global_attention() {
  return {dit::GlobalAttentionKind::kMoc, dit::GlobalAttentionKind::kDense};
}

TEST(TrainRun, SkipsTheStepsOfAnAssetThatIsNotANumberAndNamesIt) {
  for (const auto kind : kinds_of_global_attention()) {
    for (const int64_t num_cached : {0, 1}) {
      const TinyRuns runs;
      train_run(runs.vae_config());
      auto config = runs.dit_config();
      const auto id = data::PreparedDataset(config.data.path).records()[0].id;
      spoil_points(config.data.path, id, std::nan(""));
      config.dit.global_attention = kind;
      config.dit_training.num_cached_encodings = num_cached;
      config.training.batch_size = 1;
      config.training.max_steps = 9;
      ::testing::internal::CaptureStderr();
      EXPECT_EQ(train_run(config), StopReason::kFinished);
      EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                  HasSubstr("asset " + id + ": the latents of 1 components are not finite"));
      EXPECT_THAT(read_file(config.folder() / "log.txt"),
                  AllOf(HasSubstr("the loss of " + id + " is nan"), HasSubstr("skipped: loss nan"),
                        ::testing::Not(HasSubstr("-nan"))));
      int64_t skipped = 0, steps = 0;
      std::istringstream lines(read_file(config.folder() / "metrics.jsonl"));
      for (std::string line; std::getline(lines, line); ++steps) {
        skipped += nlohmann::json::parse(line).at("loss").is_null() ? 1 : 0;
      }
      EXPECT_EQ(steps, 9);
      EXPECT_EQ(skipped, 3) << "every third step shows the asset";
    }
  }
}

TEST(TrainRun, StopsByNameAtALearningRateThatNothingSurvives) {
  for (const auto kind : kinds_of_global_attention()) {
    const TinyRuns runs;
    train_run(runs.vae_config());
    auto config = runs.dit_config();
    config.dit.global_attention = kind;
    config.training.max_steps = 60;
    config.training.checkpoint_every = 1000;
    config.training.optimizer.learning_rate = 1e30;
    EXPECT_THAT(refusal_to_train(config),
                ::testing::AnyOf(HasSubstr("was not finite for 10 steps in a row"),
                                 HasSubstr("weights hold NaN")))
        << "of kind " << static_cast<int>(kind);
  }
}

TEST(TrainRun, IsNotResumedWhereNoneIs) {
  const TinyRuns runs;
  EXPECT_THAT(refusal_to_train(runs.vae_config("nowhere"), {.asked = true}),
              HasSubstr("no run at " + (runs / "runs/nowhere").string()));
}

TEST(TrainRun, ResumedBeforeItsFirstCheckpointStartsFromTheBeginning) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  train_run(config);
  const auto weights = weights_of(config);
  fs::remove_all(config.folder() / "checkpoints");
  EXPECT_EQ(train_run(config, {.asked = true}), StopReason::kFinished);
  EXPECT_EQ(weights_of(config), weights);
}

TEST(TrainRun, AJobThatItsLauncherStartsAgainGoesOnByItself) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  distributed::Launch again;
  again.restart_count = 1;
  EXPECT_EQ(train_run(config, {}, again), StopReason::kFinished) << "killed before it began";
  const auto weights = weights_of(config);
  fs::remove_all(checkpoint::step_folder(config.folder() / "checkpoints", 4));
  EXPECT_EQ(train_run(config, {}, again), StopReason::kFinished);
  EXPECT_EQ(weights_of(config), weights);
}

TEST(TrainRun, ValidationScoresFixedAssetsAndLeavesTheTrainingAsItIs) {
  const TinyRuns runs;
  for (const auto stage : {Stage::kVae, Stage::kDit}) {
    const auto config = [&](const char* name) {
      return stage == Stage::kVae ? runs.vae_config(name) : runs.dit_config(name);
    };
    const auto plain = config(stage == Stage::kVae ? "vae" : "dit");
    auto validated = config(stage == Stage::kVae ? "vae_validated" : "dit_validated");
    validated.training.validate_every = 2;
    validated.training.validation_assets = 1;
    train_run(plain);
    train_run(validated);
    EXPECT_EQ(weights_of(validated), weights_of(plain));
    std::vector<int64_t> steps;
    std::istringstream lines(read_file(validated.folder() / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains("validation_chamfer")) {
        steps.push_back(json.at("step"));
        EXPECT_GT(json.at("validation_chamfer"), 0.0);
        EXPECT_TRUE(json.contains("validation_f_score_0.1"));
      }
    }
    EXPECT_THAT(steps, ::testing::ElementsAre(2, 4));
  }
}

// What each of two ranks answers that were started with these configs.
std::vector<testing::RankResult> two_ranks(const RunConfig& first, const RunConfig& second,
                                           Resume resume = {}) {
  const int port = testing::free_port();
  return testing::run_processes({testing::launch_of(0, 2, port), testing::launch_of(1, 2, port)},
                                [&](const distributed::Launch& launch) -> std::string {
                                  const auto reason =
                                      train_run(launch.rank == 0 ? first : second, resume, launch);
                                  return reason == StopReason::kFinished ? "finished" : "stopped";
                                });
}

// Ranks are forks of the test, and CUDA works in no fork of a process that has started it.
class TrainRunOfRanks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::device().is_cpu()) {
      GTEST_SKIP() << "ranks are forks, in which a GPU cannot be used";
    }
  }
};

TEST_F(TrainRunOfRanks, TrainTheModelOfOne) {
  const TinyRuns runs;
  for (const auto stage : {Stage::kVae, Stage::kDit}) {
    const auto config = [&](const char* name) {
      auto made = stage == Stage::kVae ? runs.vae_config(name) : runs.dit_config(name);
      made.training.micro_batches = 2;
      made.training.optimizer.learning_rate = 1e-3;
      return made;
    };
    const auto alone = config(stage == Stage::kVae ? "vae" : "dit");
    const auto together = config(stage == Stage::kVae ? "vae_of_two" : "dit_of_two");
    train_run(alone);
    for (const auto& result : two_ranks(together, together)) {
      EXPECT_EQ(result.text, "finished");
    }
    const auto file = [](const RunConfig& of) {
      return checkpoint::SafetensorsFile(checkpoint::step_folder(of.folder() / "checkpoints", 4) /
                                         "model.safetensors");
    };
    const auto expected = file(alone), found = file(together);
    for (const auto& [name, entry] : expected.entries()) {
      EXPECT_TRUE(testing::all_close(found.read(name), expected.read(name), 1e-6)) << name;
    }
  }
}

// A sweep is a loop over configs.
TEST_F(TrainRunOfRanks, TwoOneAfterAnotherInAProcessAreThoseOfProcessesOfTheirOwn) {
  const TinyRuns runs;
  train_run(runs.vae_config());
  write_file(runs / "model.yaml", config::dump(runs.dit_config()));
  write_file(runs / "fast.yaml", "training: {optimizer: {learning_rate: 0.02}}\n");
  write_file(runs / "sweep.yaml", "base: [model.yaml, fast.yaml]\nname: swept\n");
  const auto config_of = [&](const std::string& runs_folder, int index) {
    const std::vector<std::vector<std::string>> variants = {
        {"name=moc", "seed=3"}, {"name=dense", "dit.global_attention=dense"}};
    auto overrides = variants.at(index);
    overrides.push_back("runs_folder=" + (runs / runs_folder).string());
    return load_config(runs / "sweep.yaml", overrides, /*to_train=*/true);
  };
  for (const int index : {0, 1}) {
    train_run(config_of("together", index));
  }
  for (const int index : {0, 1}) {
    testing::run_processes({{}}, [&](const distributed::Launch&) -> std::string {
      train_run(config_of("apart", index));
      return "";
    });
    const auto together = config_of("together", index), apart = config_of("apart", index);
    EXPECT_DOUBLE_EQ(together.training.optimizer.learning_rate, 0.02);
    for (const char* file : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
      const auto step = fs::path("checkpoints") / "step_00000004" / file;
      EXPECT_EQ(read_file(together.folder() / step), read_file(apart.folder() / step))
          << together.name << ", " << file;
    }
    const auto log = read_file(together.folder() / "log.txt");
    EXPECT_THAT(log, AllOf(HasSubstr("train 4/4"),
                           HasSubstr("checkpoints in " + together.folder().string()),
                           Not(HasSubstr(config_of("together", 1 - index).folder().string()))));
    EXPECT_EQ(log.find("assets to train on"), log.rfind("assets to train on"));
  }
  EXPECT_NE(weights_of(config_of("together", 0)), weights_of(config_of("together", 1)));
}

TEST_F(TrainRunOfRanks, ThatWereNotStartedAlikeAreRefusedWithWhatDiffers) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.training.micro_batches = 2;
  auto other = config;
  other.training.optimizer.beta2 = 0.5;
  for (const auto& result : two_ranks(config, other)) {
    EXPECT_THAT(result.text, AllOf(HasSubstr("not started alike"),
                                   HasSubstr("'training.optimizer.beta2: 0.999' on rank 0, "
                                             "'training.optimizer.beta2: 0.5' on rank 1")));
  }
  other = config;
  other.data.path = (runs / "copy").string();
  fs::copy(config.data.path, other.data.path, fs::copy_options::recursive);
  write_file(fs::path(other.data.path) / "index.json",
             read_file(fs::path(other.data.path) / "index.json") + " ");
  EXPECT_THAT(two_ranks(config, other)[0].text, HasSubstr("index.json"));
  EXPECT_FALSE(fs::exists(config.folder())) << "a refused run left a folder";
}

TEST_F(TrainRunOfRanks, ThatCannotShareAStepAreRefused) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.training.micro_batches = 3;
  for (const auto& result : two_ranks(config, config)) {
    EXPECT_THAT(result.text, HasSubstr("training.micro_batches (3) cannot be divided among 2 "
                                       "processes"));
  }
}

TEST_F(TrainRunOfRanks, AllLearnWhatTheFirstRefuses) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.training.micro_batches = 2;
  fs::create_directories(config.folder());
  const auto results = two_ranks(config, config);
  EXPECT_THAT(results[0].text, HasSubstr("exists already and is not overwritten"));
  EXPECT_THAT(results[1].text, HasSubstr("refused by rank 0"));
}

TEST(TrainRun, RefusesAMissingDataset) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.data.path = runs / "no_dataset";
  EXPECT_THAT(refusal_to_begin(config),
              HasSubstr("no prepared dataset at " + (runs / "no_dataset").string()));
}

TEST(TrainRun, RefusesADatasetThatIsForEvaluationOnly) {
  const TinyRuns runs;
  const auto config = runs.vae_config();
  const auto index = fs::path(config.data.path) / "index.json";
  auto json = nlohmann::json::parse(read_file(index));
  for (auto& asset : json.at("assets")) {
    asset["split"] = "val";
  }
  write_file(index, json.dump());
  EXPECT_THAT(refusal_to_begin(config),
              HasSubstr("the dataset " + config.data.path +
                        " is for evaluation only: none of its 4 assets is in the split train."));
  EXPECT_THAT(refusal([&] { dry_run(config); }), HasSubstr("is for evaluation only"));
}

TEST(TrainRun, RefusesADitWithoutATrainedVae) {
  const TinyRuns runs;
  EXPECT_THAT(refusal_to_begin(runs.dit_config()),
              AllOf(HasSubstr("no run at " + (runs / "runs/vae").string()),
                    HasSubstr("Train one: moca train CONFIG")));
  const auto vae = runs.vae_config();
  train_run(vae);
  auto on_a_dit = runs.dit_config("second");
  on_a_dit.vae_run = runs / "runs/dit";
  train_run(runs.dit_config());
  EXPECT_THAT(refusal_to_begin(on_a_dit),
              HasSubstr("is of stage dit, a VAE is needed: name a run of stage vae"));
  fs::remove_all(vae.folder() / "checkpoints");
  EXPECT_THAT(refusal_to_begin(runs.dit_config("third")), HasSubstr("holds no checkpoint"));
}

TEST(TrainRun, RefusesTheVaeOfAnotherArchitecture) {
  const TinyRuns runs;
  auto vae = runs.vae_config();
  train_run(vae);
  vae.vae.num_layers_decoder = 2;
  write_file(vae.folder() / "config.yaml", config::dump(vae));
  EXPECT_THAT(refusal_to_begin(runs.dit_config()),
              AllOf(HasSubstr("ema.safetensors"), HasSubstr("another architecture")));
}

TEST(TrainRun, RefusesAFolderThatCannotBeMade) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.runs_folder = runs / "a_file";
  write_file(runs / "a_file", "");
  EXPECT_THAT(refusal_to_train(config),
              HasSubstr("cannot create the run folder " + config.folder().string()));
}

TEST(TrainRun, RefusesADeviceThatIsNot) {
  const TinyRuns runs;
  auto config = runs.vae_config();
  config.device = "tpu";
  EXPECT_THAT(refusal_to_begin(config),
              HasSubstr("device 'tpu' is unknown. Use auto, cpu, cuda or cuda:N"));
}

}  // namespace
}  // namespace moca::experiment
