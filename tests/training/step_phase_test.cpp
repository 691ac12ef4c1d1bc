// What is said of a process that fails or hangs: where it was, and with which data.
#include "src/training/step_phase.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(StepPhase, IsNamedByAFailureWithTheAssetsInWork) {
  distributed::ProcessGroup alone;
  StepPhase phase({alone, at::kCPU, "nowhere"}, 0);
  phase.set_asset_names("chair, lamp");
  phase.enter("forward", 5);
  EXPECT_THAT(phase.failure("no memory\nstack").what(),
              AllOf(StartsWith("rank 0, forward of step 5, chair, lamp: no memory. Continue"),
                    ::testing::Not(HasSubstr("stack"))));
  phase.set_asset_names("");
  phase.enter("save", 6);
  EXPECT_THAT(phase.failure("no memory").what(), StartsWith("rank 0, save of step 6: no memory."));
}

TEST(StepPhase, OfAnOperationThatFailsEndsTheRunWhichCanBeContinued) {
  const ToyRun run;
  auto config = toy_training();
  config.checkpoint_every = 2;
  ToyStage failing([](MicroBatch batch, const at::Tensor& loss) {
    TORCH_CHECK(batch.step != 5, "mat1 and mat2 do not fit\nmore lines");
    return loss;
  });
  EXPECT_THAT(failure_of([&] { run.train(failing, config); }),
              AllOf(HasSubstr("rank 0, forward of step 5, toys of step 5: mat1 and mat2 do not "
                              "fit. "),
                    HasSubstr("--resume"), ::testing::Not(HasSubstr("\n"))));
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
}

TEST(StepPhase, OutsideOfAStepIsNamedWithoutAssets) {
  const ToyRun run;
  ToyStage toy;
  auto config = toy_training();
  config.validate_every = 5;
  const auto out_of_memory = []() -> NamedValues { throw std::bad_alloc(); };
  EXPECT_THAT(failure_of([&] { run.train(toy, config, out_of_memory); }),
              HasSubstr("rank 0, validation of step 5: out of memory"));
}

// A process that stays in one phase; the result is this process's exit code.
int hanging_phase(const std::filesystem::path& folder) {
  distributed::ProcessGroup alone;
  StepPhase phase({alone, at::kCPU, folder}, 0.3);
  phase.enter("loading", 1);
  phase.enter("forward", 2);
  std::this_thread::sleep_for(std::chrono::seconds(20));
  return 0;
}

TEST(StepPhaseDeathTest, ThatLastsTooLongEndsTheProcessAndIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const testing::TemporaryFolder folder;
  EXPECT_EXIT(std::exit(hanging_phase(folder.path())), ::testing::ExitedWithCode(3),
              "rank 0 of 1 has been 0 s in phase 'forward of step 2'");
}

// A run that stays in the middle of a step.
int hanging_run(const std::filesystem::path& folder) {
  auto config = toy_training();
  config.hang_seconds = 0.3;
  distributed::ProcessGroup alone;
  ToyStage toy([](MicroBatch batch, const at::Tensor& loss) {
    std::this_thread::sleep_for(std::chrono::seconds(batch.step == 2 ? 20 : 0));
    return loss;
  });
  Trainer(toy, config, {alone, at::kCPU, folder}).train();
  return 0;
}

TEST(StepPhaseDeathTest, OfARunThatHangsIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const testing::TemporaryFolder folder;
  EXPECT_EXIT(std::exit(hanging_run(folder.path())), ::testing::ExitedWithCode(3),
              "rank 0 of 1 has been 0 s in phase 'forward of step 2'");
}

}  // namespace
}  // namespace moca::training
