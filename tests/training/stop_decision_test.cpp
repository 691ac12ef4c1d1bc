// When a run ends, and what is said of it.
#include "src/training/stop_decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "moca/core/interrupt.h"
#include "tests/support/ranks.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TrainingConfig endless_training() {
  auto config = toy_training();
  config.max_steps = config.checkpoint_every = config.log_every = 100000000;
  config.max_minutes = 0.005;
  return config;
}

TEST(StopDecision, IsToGoOnUntilTheTimeOfAllRunsIsSpent) {
  distributed::ProcessGroup alone;
  auto config = endless_training();
  config.max_minutes = 60;
  StopDecision stop(config, alone);
  EXPECT_FALSE(stop.agree_to_stop());
  stop.add_earlier(3599);
  EXPECT_FALSE(stop.agree_to_stop());
  stop.add_earlier(2);
  EXPECT_TRUE(stop.agree_to_stop());
  EXPECT_GE(stop.seconds_spent(), 3601.0);
  EXPECT_EQ(stop.say_why_it_ended(7), StopReason::kOutOfTime);
  EXPECT_EQ(stop.say_why_it_ended(100000000), StopReason::kFinished);
  config.max_minutes = 0;
  EXPECT_FALSE(stop.agree_to_stop()) << "0 is no limit";
}

TEST(StopDecision, IsOfAllRanksWhenTheTimeOfOneIsSpent) {
  for (const auto& result : testing::run_ranks(2, [](distributed::ProcessGroup& group) {
         auto config = endless_training();
         config.max_minutes = 60;
         StopDecision stop(config, group);
         stop.add_earlier(3601.0 * group.rank());
         return std::string(stop.agree_to_stop() ? "stop" : "go on");
       })) {
    EXPECT_EQ(result.text, "stop");
  }
}

TEST(StopDecision, AtTheTimeLimitLeavesACheckpoint) {
  const ToyRun run;
  EXPECT_EQ(run.train(ToyStage(), endless_training()), StopReason::kOutOfTime);
  EXPECT_TRUE(checkpoint::latest_good_step(run.checkpoints()).has_value());
}

TEST(StopDecision, IsSaidBeforehandAndAfterwardsWhereItIsATimeLimits) {
  const ToyRun run;
  auto config = endless_training();
  config.optimizer.schedule = Schedule::kCosine;
  EXPECT_THAT(said_by([&] { run.train(ToyStage(), config); }),
              AllOf(HasSubstr("ends at step 100000000 or after 0.005 minutes"),
                    HasSubstr("the cosine schedule reaches zero at step 100000000"),
                    HasSubstr("of 100000000: the 0.005 minutes of training.max_minutes are spent"),
                    HasSubstr("--resume training.max_minutes=1, or 0")));
  EXPECT_THAT(said_by([&] { run.resume(ToyStage(), config); }),
              AllOf(HasSubstr("of which earlier runs spent 0.00"),
                    HasSubstr("minutes of training.max_minutes are spent")));
  config.max_minutes = 0;
  config.max_steps = checkpoint::latest_good_step(run.checkpoints()).value() + 1;
  EXPECT_THAT(said_by([&] { run.resume(ToyStage(), config); }),
              ::testing::Not(HasSubstr("max_minutes")));
}

// Ctrl-C in the middle of step 3; the result is this process's exit code.
int interrupted_run() {
  const ToyRun run;
  catch_interrupts();
  ToyStage toy([](MicroBatch batch, const at::Tensor& loss) {
    if (batch.step == 3) {
      std::raise(SIGINT);
    }
    return loss;
  });
  const auto reason = run.train(toy, toy_training());
  const bool usable = checkpoint::latest_good_step(run.checkpoints()) == 4;
  return reason == StopReason::kInterrupted && usable ? 0 : 1;
}

TEST(StopDecisionDeathTest, AfterCtrlCFinishesTheStepAndLeavesACheckpoint) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(interrupted_run()), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace moca::training
