#include "moca/training/dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/refusal.h"
#include "tests/training/tiny_stages.h"
#include "tests/training/toy_stage.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DryRuns : public TinyStages {};

TEST_F(DryRuns, FindTheLargestMicroBatchAndWhatAStepNeeds) {
  const auto stage = dit_stage(dit_setup());
  TrainingConfig config;
  config.precision = Precision::kFp32;
  const auto found = dry_run(*stage, config, {}, c10::kCPU);
  int64_t parameters = 0, largest = 0;
  for (const auto& parameter : stage->model().parameters()) {
    parameters += parameter.requires_grad() ? parameter.numel() : 0;
  }
  for (int64_t step = 0; step < kDryRunSteps; ++step) {
    largest = std::max(largest, stage->batches().num_components({step}));
  }
  EXPECT_EQ(found.num_parameters, parameters);
  EXPECT_EQ(found.largest_components, largest);
  EXPECT_GT(found.seconds_per_step, 0.0);
  EXPECT_GT(found.tflops_per_step, 0.0);
  EXPECT_GT(found.peak, found.states);
  EXPECT_GE(found.main_memory, found.states);
  const double bytes = static_cast<double>(parameters) * sizeof(float);
  EXPECT_NEAR(found.states * 1024 * 1024 * 1024, 5 * bytes, 0.3 * bytes)
      << "parameters, gradients, two moments, averages";
  EXPECT_THAT(text_of(found, config, c10::kCPU), HasSubstr("of main memory"));
}

TEST(DryRun, LooksAtTheStepsOfTheRunAloneAndMultipliesByItsMicroBatches) {
  struct GrowingStage : ToyStage {
    int64_t num_components(MicroBatch batch) override { return 10 * batch.step + batch.index; }
    double flops(MicroBatch batch) override {
      return 1e12 * static_cast<double>(num_components(batch));
    }
  } toy;
  auto config = toy_training();
  config.max_steps = 5;
  config.micro_batches = 6;
  const auto found = dry_run(toy, config, share_of(1, 2, config), c10::kCPU);
  EXPECT_EQ(found.largest_components, 45) << "the last micro-batch of rank 1";
  EXPECT_DOUBLE_EQ(found.tflops_per_step, 3 * 45.0);
  EXPECT_EQ(found.num_parameters, 15);
}

TEST(DryRun, RefusesALossThatIsNotFinite) {
  ToyStage toy([](MicroBatch, const at::Tensor& loss) { return loss * std::nan(""); });
  EXPECT_THAT(testing::refusal([&] { dry_run(toy, toy_training(), {}, c10::kCPU); }),
              AllOf(HasSubstr("the loss is not finite within a few steps, here with toys of step"),
                    HasSubstr("training.optimizer.learning_rate")));
}

}  // namespace
}  // namespace moca::training
