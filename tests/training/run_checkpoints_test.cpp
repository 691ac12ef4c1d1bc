// When checkpoints are written, and how a run goes on from them.
#include "src/training/run_checkpoints.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/checkpoint/write_checkpoint.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/tiny_stages.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;
using ::testing::UnorderedElementsAre;

constexpr std::array kStateFiles = {"model.safetensors", "ema.safetensors",
                                    "optimizer.safetensors"};

// A model with all that a checkpoint holds of it.
struct ToyState {
  ToyState(const fs::path& folder, const TrainingConfig& config)
      : optimizer(toy.model(), config.optimizer),
        ema(toy.model(), {config.ema_decay}),
        checkpoints(folder, config, alone, {toy.model(), ema, optimizer}) {}

  void step() {
    optimizer.zero_gradients();
    toy.loss({0, 0}).backward();
    optimizer.step(1e-2);
    ema.update(0);
  }

  distributed::ProcessGroup alone;
  ToyStage toy;
  Optimizer optimizer;
  AveragedWeights ema;
  RunCheckpoints checkpoints;
};

TEST(RunCheckpoints, GiveBackWeightsAveragesMomentsAndProgress) {
  const testing::TemporaryFolder folder;
  const auto config = toy_training();
  ToyState trained(folder.path(), config), fresh(folder.path(), config);
  EXPECT_FALSE(fresh.checkpoints.resume().has_value()) << "there is none yet";
  trained.step();
  trained.checkpoints.save({5, 1.5}, /*last=*/true);
  const auto progress = fresh.checkpoints.resume();
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->step, 5);
  EXPECT_EQ(progress->seconds, 1.5);
  trained.step();
  fresh.step();
  EXPECT_TRUE(testing::bit_equal(fresh.toy.network->weight, trained.toy.network->weight));
  EXPECT_TRUE(testing::bit_equal(fresh.ema.state()[0].second, trained.ema.state()[0].second));
}

TEST(RunCheckpoints, AreDueFromTheEndOfAnIntervalUntilOneIsSaved) {
  const testing::TemporaryFolder folder;
  auto config = toy_training();
  config.checkpoint_every = 4;
  ToyState state(folder.path(), config);
  EXPECT_FALSE(state.checkpoints.is_due(3));
  EXPECT_TRUE(state.checkpoints.is_due(4));
  EXPECT_TRUE(state.checkpoints.is_due(5)) << "forgotten, though none was saved";
  state.checkpoints.save({5, 0}, /*last=*/false);
  EXPECT_FALSE(state.checkpoints.is_due(6));
  EXPECT_TRUE(state.checkpoints.is_due(8));
}

TEST(RunCheckpoints, ThatCannotBeWrittenAreWarnedOfAndOnlyTheLastIsAnError) {
  const testing::TemporaryFolder folder;
  write_file(folder / "checkpoints", "a file where the folder should be");
  const auto config = toy_training();
  ToyState state(folder.path(), config);
  state.checkpoints.save({4, 0}, /*last=*/false);  // a thread finds out
  EXPECT_THAT(said_by([&] {
                state.checkpoints.save({8, 0}, /*last=*/false);
              }),
              HasSubstr("Training goes on; the next checkpoint is tried in 1000 steps."));
  EXPECT_THAT(refusal([&] {
                state.checkpoints.save({9, 0}, /*last=*/true);
              }),
              HasSubstr((folder / "checkpoints").string()));
}

TEST(RunCheckpoints, AreWrittenAtTheIntervalAndAtTheEndAndTheNewestKept) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 10;
  config.checkpoint_every = 3;
  config.keep_checkpoints = 2;
  run.train(ToyStage(), config);
  EXPECT_THAT(run.names_of_checkpoints(), UnorderedElementsAre("step_00000009", "step_00000010"));
}

TEST(RunCheckpoints, OfRoundStepsAreKeptForGood) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 10;
  config.checkpoint_every = 1;
  config.keep_checkpoints = 2;
  config.keep_every = 4;
  run.train(ToyStage(), config);
  EXPECT_THAT(run.names_of_checkpoints(), UnorderedElementsAre("step_00000004", "step_00000008",
                                                               "step_00000009", "step_00000010"));
}

TEST(RunCheckpoints, ThatAKilledRunLeftHalfWrittenAreRemoved) {
  const ToyRun run;
  fs::create_directories(run.checkpoints() / ".unfinished_step_00000004");
  run.resume(ToyStage(), toy_training());
  EXPECT_FALSE(fs::exists(run.checkpoints() / ".unfinished_step_00000004"));
}

TEST(RunCheckpoints, AreAllGoneOnFromToTheSameBits) {
  at::set_num_threads(1);
  auto config = toy_training();
  config.checkpoint_every = 1;
  config.optimizer.schedule = Schedule::kCosine;
  const ToyRun whole("whole");
  whole.train(ToyStage(), config);
  for (const int64_t stop : {1, 4, 7}) {
    const ToyRun run;
    run.train(ToyStage(), config);
    for (int64_t step = stop + 1; step <= config.max_steps; ++step) {
      fs::remove_all(checkpoint::step_folder(run.checkpoints(), step));  // as if killed there
    }
    EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
    for (const char* name : kStateFiles) {
      EXPECT_EQ(run.checkpointed(name, 8), whole.checkpointed(name, 8))
          << name << " after a stop at step " << stop;
    }
    EXPECT_THAT(run.steps_in_metrics(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8)) << stop;
  }
}

TEST(RunCheckpoints, OfAFinishedRunAreGoneOnFromWithoutAnyChange) {
  const ToyRun run;
  const auto config = toy_training();
  run.train(ToyStage(), config);
  const auto metrics = read_file(run.path() / "metrics.jsonl");
  ToyStage untouched([](MicroBatch batch, const at::Tensor& loss) {
    ADD_FAILURE() << "step " << batch.step << " was done again";
    return loss;
  });
  EXPECT_EQ(run.resume(untouched, config), StopReason::kFinished);
  EXPECT_EQ(read_file(run.path() / "metrics.jsonl"), metrics);
}

TEST(RunCheckpoints, AreNotNeededToResumeARunThatHasNone) {
  const ToyRun run;
  EXPECT_EQ(run.resume(ToyStage(), toy_training()), StopReason::kFinished);
  EXPECT_THAT(run.steps_in_metrics(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(RunCheckpoints, OfAnotherArchitectureAreRefused) {
  const ToyRun run;
  run.train(ToyStage(), toy_training());
  ToyStage other;
  other.network = torch::nn::Linear(5, 3);
  EXPECT_THAT(refusal([&] { run.resume(other, toy_training()); }),
              HasSubstr("The checkpoint is of another architecture"));
}

TEST(RunCheckpoints, ThatAreDamagedAreSetAsideForTheOneBefore) {
  auto config = toy_training();
  config.checkpoint_every = 4;
  const ToyRun whole("whole"), run;
  whole.train(ToyStage(), config);
  run.train(ToyStage(), config);
  write_file(checkpoint::step_folder(run.checkpoints(), 8) / "state.json", "{\"step\": 8}");
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
  EXPECT_EQ(run.checkpointed("model.safetensors", 8), whole.checkpointed("model.safetensors", 8));
  EXPECT_TRUE(fs::exists(run.checkpoints() / "damaged_step_00000008"));
}

// Writes the checkpoint of `step` anew, with another state.json.
void change_state(const ToyRun& run, const std::string& state_json, int64_t step) {
  const auto folder = checkpoint::step_folder(run.checkpoints(), step);
  checkpoint::CheckpointContent content;
  content.state_json = state_json;
  for (const char* name : kStateFiles) {
    const checkpoint::SafetensorsFile file(folder / name);
    for (const auto& [key, entry] : file.entries()) {
      content.whole[name].emplace_back(key, file.read(key));
    }
  }
  fs::remove_all(folder);
  checkpoint::write_checkpoint(run.checkpoints(), step, content, {100, 0});
}

TEST(RunCheckpoints, HoldTheTimeThatCountsForTheLimit) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 4;
  run.train(ToyStage(), config);
  change_state(run, "{\"step\": 4, \"seconds\": 7200}", 4);
  config.max_steps = 8;
  config.max_minutes = 119;
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kOutOfTime);
  config.max_minutes = 130;
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
  EXPECT_GE(run.metrics().back().at("minutes"), 120.0);
}

TEST(Trainer, DoesNotSaveWeightsThatAreNotFinite) {
  const ToyRun run;
  auto config = toy_training();
  config.checkpoint_every = 2;
  torch::nn::Linear network{nullptr};
  ToyStage toy([&](MicroBatch batch, const at::Tensor& loss) {
    if (batch.step == 4) {  // as a fault of the memory would
      const torch::NoGradGuard no_grad;
      network->weight[0][0].fill_(std::nan(""));
    }
    return loss;
  });
  network = toy.network;
  EXPECT_THAT(refusal([&] { run.train(toy, config); }),
              AllOf(HasSubstr("stopped at step 6: weights hold NaN"), HasSubstr("with --resume")))
      << "no step after the first without a loss could be good";
  EXPECT_EQ(checkpoint::latest_good_step(run.checkpoints()), 4);
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
}

// A whole run of a stage against one that was stopped after step 5 of 8 and continued.
class Resume : public TinyStages,
               public ::testing::WithParamInterface<std::tuple<std::string, Precision>> {};

TEST_P(Resume, ContinuesToTheSameBitsAsARunThatWasNeverStopped) {
  const auto make_stage = [] {
    return std::get<0>(GetParam()) == "vae" ? make_vae_stage() : dit_stage(dit_setup());
  };
  auto config = toy_training();
  config.precision = std::get<1>(GetParam());
  config.checkpoint_every = 4;
  config.optimizer.learning_rate = 1e-3;
  auto part = config;
  part.max_steps = 5;
  const ToyRun whole("whole"), stopped("stopped");
  whole.train(*make_stage(), config);
  stopped.train(*make_stage(), part);
  EXPECT_EQ(stopped.resume(*make_stage(), config), StopReason::kFinished);
  for (const char* name : kStateFiles) {
    EXPECT_EQ(stopped.checkpointed(name, 8), whole.checkpointed(name, 8)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, Resume,
                         ::testing::Combine(::testing::Values("vae", "dit"),
                                            ::testing::Values(Precision::kFp32, Precision::kBf16)),
                         [](const auto& test) {
                           const bool in_bf16 = std::get<1>(test.param) == Precision::kBf16;
                           return std::get<0>(test.param) + (in_bf16 ? "_bf16" : "_fp32");
                         });

}  // namespace
}  // namespace moca::training
