#include "src/training/step_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/ranks.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using ::testing::ElementsAre;

// Five components and three tera-operations a micro-batch.
struct CountedStage : ToyStage {
  int64_t num_components(MicroBatch /*batch*/) override { return 5; }
  double flops(MicroBatch /*batch*/) override { return 3e12; }
};

TEST(StepMetrics, AreRecordedEverySoManyStepsAndAfterTheLastOne) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 7;
  config.log_every = 3;
  run.train(ToyStage(), config);
  EXPECT_THAT(run.steps_in_metrics(), ElementsAre(3, 6, 7));
}

TEST(StepMetrics, HoldLossNormRateAndTimeOfEachStep) {
  const ToyRun run;
  const auto config = toy_training();
  std::vector<double> losses;
  run.train(ToyStage([&](MicroBatch, const at::Tensor& loss) {
              losses.push_back(loss.item<double>());
              return loss;
            }),
            config);
  const auto lines = run.metrics();
  ASSERT_EQ(lines.size(), losses.size());
  double minutes = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].size(), 8U) << lines[i];
    EXPECT_GT(lines[i].at("seconds_per_step"), 0.0);
    EXPECT_GT(lines[i].at("memory_gib"), 0.0);
    EXPECT_DOUBLE_EQ(lines[i].at("loss"), losses[i]);
    EXPECT_DOUBLE_EQ(lines[i].at("learning_rate"),
                     learning_rate_at(config.optimizer, static_cast<int64_t>(i), 8));
    EXPECT_GT(lines[i].at("gradient_norm"), 0.0);
    EXPECT_GE(lines[i].at("minutes"), minutes);
    minutes = lines[i].at("minutes");
  }
}

TEST(StepMetrics, TellTheSpeedInComponentsAndOperations) {
  const ToyRun run;
  auto config = toy_training();
  config.peak_tflops = 2e6;
  run.train(CountedStage(), config);
  for (const auto& line : run.metrics()) {
    const double seconds = line.at("seconds_per_step");
    EXPECT_NEAR(line.at("components_per_second"), 5.0 / seconds, 1e-6 / seconds);
    EXPECT_NEAR(line.at("model_tflops_per_second"), 3.0 / seconds, 1e-6 / seconds);
    EXPECT_NEAR(line.at("model_flops_utilisation"), 3.0 / seconds / 2e6, 1e-9 / seconds);
  }
}

TEST(StepMetrics, TellHowLongAMicroBatchIsWaitedFor) {
  struct SlowStage : ToyStage {
    void load(MicroBatch /*batch*/) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  const ToyRun run;
  run.train(SlowStage(), toy_training());
  for (const auto& line : run.metrics()) {
    EXPECT_GT(line.at("data_wait_seconds"), 0.002);
    EXPECT_LE(line.at("data_wait_seconds"), line.at("seconds_per_step"));
  }
}

TEST(StepMetrics, CountWhatAllRanksDidSinceTheLastLine) {
  const ToyRun run;
  for (const auto& result : testing::run_ranks(2, [&](distributed::ProcessGroup& group) {
         CountedStage stage;
         auto config = toy_training();
         config.log_every = 2;
         StepMetrics metrics(stage, config, {group, at::kCPU, run.path()});
         metrics.start(10, 100.0);
         for (int64_t step = 11; step <= 14; ++step) {
           metrics.add({step, group.rank()}, 0.25 * group.rank());
           metrics.record(step, {}, 100.0 + 2.0 * static_cast<double>(step - 10));
         }
         return std::string("recorded");
       })) {
    EXPECT_EQ(result.text, "recorded");
  }
  EXPECT_THAT(run.steps_in_metrics(), ElementsAre(12, 14));
  for (const auto& line : run.metrics()) {
    EXPECT_DOUBLE_EQ(line.at("seconds_per_step"), 2.0);
    EXPECT_DOUBLE_EQ(line.at("components_per_second"), 5.0) << "20 of two ranks in 4 seconds";
    EXPECT_DOUBLE_EQ(line.at("model_tflops_per_second"), 1.5) << "12 in 4 seconds of two ranks";
    EXPECT_DOUBLE_EQ(line.at("data_wait_seconds"), 0.125);
  }
}

}  // namespace
}  // namespace moca::training
