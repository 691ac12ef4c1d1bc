// The training loop, on a stage whose steps take microseconds.
#include "moca/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/support/tensor_matchers.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using testing::all_close;
using testing::bit_equal;
using ::testing::ElementsAre;

TEST(Trainer, LearnsWhatTheLossAsksFor) {
  const ToyRun run;
  ToyStage toy;
  auto config = toy_training();
  config.max_steps = 400;
  config.optimizer.weight_decay = 0;
  EXPECT_EQ(run.train(toy, config), StopReason::kFinished);
  EXPECT_TRUE(all_close(toy.network->weight, ToyStage::wanted_weight(), 0.01));
}

TEST(Trainer, StepsCountFromZeroAndEachIsTakenOnce) {
  const ToyRun run;
  std::vector<int64_t> seen;
  run.train(ToyStage([&](MicroBatch batch, const at::Tensor& loss) {
              seen.push_back(batch.step);
              return loss;
            }),
            toy_training());
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Trainer, ComputesTheLossInTrainingModeAndInTheConfigsPrecision) {
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    const ToyRun run;
    torch::nn::Linear network{nullptr};
    ToyStage toy([&](MicroBatch, const at::Tensor& loss) {
      EXPECT_TRUE(network->is_training());
      EXPECT_EQ(at::autocast::is_autocast_enabled(at::kCPU), precision == Precision::kBf16);
      return loss;
    });
    network = toy.network;
    network->eval();
    auto config = toy_training();
    config.precision = precision;
    run.train(toy, config);
    EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU)) << "left on after training";
    EXPECT_EQ(network->weight.scalar_type(), at::kFloat);
  }
}

TEST(Trainer, LoadsEveryMicroBatchBeforeItsLoss) {
  struct LoadedStage : ToyStage {
    void load(MicroBatch batch) override { loaded.push_back(batch); }
    at::Tensor loss(MicroBatch batch) override {
      EXPECT_EQ(loaded.back(), batch);
      return ToyStage::loss(batch);
    }
    std::vector<MicroBatch> loaded;
  } toy;
  const ToyRun run;
  auto config = toy_training();
  config.micro_batches = 2;
  config.max_steps = 2;
  run.train(toy, config);
  EXPECT_THAT(toy.loaded,
              ElementsAre(MicroBatch{0, 0}, MicroBatch{0, 1}, MicroBatch{1, 0}, MicroBatch{1, 1}));
}

TEST(Trainer, AddsUpTheGradientsOfAStepsMicroBatches) {
  const ToyRun run;
  auto config = toy_training();
  config.micro_batches = 3;
  config.max_steps = 1;
  std::vector<MicroBatch> seen;
  run.train(ToyStage(
                [&](MicroBatch batch, const at::Tensor& loss) {
                  seen.push_back(batch);
                  return loss;
                },
                3),
            config);
  EXPECT_THAT(seen, ElementsAre(MicroBatch{0, 0}, MicroBatch{0, 1}, MicroBatch{0, 2}));
  // One batch of all their samples has the same mean loss.
  ToyStage fresh;
  double whole = 0;
  for (const auto& batch : seen) {
    whole += fresh.loss(batch).item<double>() / 3;
  }
  EXPECT_NEAR(run.metrics()[0].at("loss"), whole, 1e-6);
}

// With a large epsilon AdamW's first step goes along the gradient, in proportion to it, where the
// usual one would hide a factor.
TEST(Trainer, TwoMicroBatchesOfUnequalWeightStepAsOneBatchOfBoth) {
  struct UnequalStage : ToyStage {
    double weight(MicroBatch batch) override { return batch.index == 0 ? 0.25 : 0.75; }
  } two;
  struct WholeStage : ToyStage {
    at::Tensor loss(MicroBatch batch) override {
      return 0.25 * loss_of(network, {batch.step, 0}) + 0.75 * loss_of(network, {batch.step, 1});
    }
  } one;
  auto config = toy_training();
  config.max_steps = 1;
  config.optimizer.max_gradient_norm = 0;
  config.optimizer.weight_decay = 0;
  config.optimizer.warmup_steps = 0;
  config.optimizer.epsilon = 1e4;
  config.optimizer.learning_rate = 1e3;
  const ToyRun in_two("two"), in_one("one");
  const auto before = two.network->weight.detach().clone();
  config.micro_batches = 2;
  in_two.train(two, config);
  config.micro_batches = 1;
  in_one.train(one, config);
  const auto step = one.network->weight.detach() - before;
  EXPECT_GT(step.abs().max().item<double>(), 1e-3);
  EXPECT_TRUE(all_close(two.network->weight.detach() - before, step, 1e-6));
  EXPECT_NEAR(in_two.metrics()[0].at("loss"), in_one.metrics()[0].at("loss"), 1e-6);
  EXPECT_NEAR(in_two.metrics()[0].at("gradient_norm"), in_one.metrics()[0].at("gradient_norm"),
              1e-6);
}

// Gradients of a step must be gone before the next.
TEST(Trainer, EveryStepFollowsItsOwnGradientAlone) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 2;
  config.optimizer.max_gradient_norm = 0;
  config.optimizer.learning_rate = 1e-12;
  run.train(ToyStage(), config);
  ToyStage fresh;
  for (int64_t step = 0; step < 2; ++step) {
    fresh.network->zero_grad();
    fresh.loss({step, 0}).backward();
    const double norm =
        at::cat({fresh.network->weight.grad().flatten(), fresh.network->bias.grad()})
            .norm()
            .item<double>();
    EXPECT_NEAR(run.metrics()[step].at("gradient_norm"), norm, 1e-5);
  }
}

TEST(Trainer, ValidatesTheAveragedWeightsAndTrainsOnWithItsOwn) {
  const ToyRun validated("validated"), plain("plain");
  auto config = toy_training();
  ToyStage undisturbed, toy;
  plain.train(undisturbed, config);
  config.validate_every = 3;
  std::vector<at::Tensor> seen;
  validated.train(toy, config, [&]() -> NamedValues {
    seen.push_back(toy.network->weight.detach().clone());
    return {{"validation_score", static_cast<double>(seen.size())}};
  });
  ASSERT_EQ(seen.size(), 2U) << "after steps 3 and 6";
  EXPECT_TRUE(bit_equal(toy.network->weight, undisturbed.network->weight));
  // A run of three steps ends with the averages that the first validation saw.
  const ToyRun three("three");
  config.max_steps = 3;
  config.validate_every = 0;
  three.train(ToyStage(), config);
  const checkpoint::SafetensorsFile averages(checkpoint::step_folder(three.checkpoints(), 3) /
                                             "ema.safetensors");
  EXPECT_TRUE(bit_equal(seen[0], averages.read("weight")));
  std::vector<int64_t> scored;
  for (const auto& line : validated.metrics()) {
    if (line.contains("validation_score")) {
      scored.push_back(line.at("step"));
    }
  }
  EXPECT_THAT(scored, ElementsAre(3, 6));
}

}  // namespace
}  // namespace moca::training
