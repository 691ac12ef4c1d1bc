// Steps whose loss or gradient is not finite, in a run and counted by themselves.
#include "src/training/bad_steps.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

constexpr StepStats kGood{0.5, 1.0, 1e-3};
constexpr StepStats kBadLoss{kInfinity, 1.0, 1e-3};
constexpr StepStats kBadGradient{0.5, kInfinity, 1e-3};

// The loss of every step for which `is_bad` holds is infinite.
template <class IsBad>
ToyStage overflowing(const IsBad& is_bad) {
  return ToyStage([is_bad](MicroBatch batch, const at::Tensor& loss) {
    return is_bad(batch.step) ? loss * kInfinity : loss;
  });
}

TEST(BadSteps, AreCountedInARow) {
  ToyStage toy;
  const auto config = toy_training();
  BadSteps bad_steps(config, toy, {});
  EXPECT_FALSE(bad_steps.any());
  for (int64_t step = 0; step < 30; ++step) {
    const auto& stats = step % 10 == 9 ? kGood : step % 2 == 0 ? kBadLoss : kBadGradient;
    bad_steps.count(step, stats);
    EXPECT_EQ(bad_steps.any(), step % 10 != 9);
  }
}

TEST(BadSteps, AreToldWithTheAssetsOfAllMicroBatchesOfThisRank) {
  ToyStage toy;
  const auto config = toy_training();
  BadSteps bad_steps(config, toy, {0, 2, 4});
  EXPECT_THAT(said_by([&] {
                bad_steps.count(3, {-std::nan(""), kInfinity, 0});
              }),
              HasSubstr("step 3 skipped: loss nan, gradient norm inf, with toys of step 3; toys of "
                        "step 3"));
  EXPECT_EQ(said_by([&] { bad_steps.count(4, kGood); }), "");
}

// The metrics of a run that comes to its end.
std::vector<nlohmann::json> metrics_of(ToyStage& toy) {
  const ToyRun run;
  EXPECT_EQ(run.train(toy, toy_training()), StopReason::kFinished);
  return run.metrics();
}

TEST(Trainer, SkipsAStepWithoutAFiniteLossAndGoesOn) {
  for (const double spoil : {kInfinity, std::nan("")}) {
    ToyStage toy([spoil](MicroBatch batch, const at::Tensor& loss) {
      return batch.step == 3 ? loss * spoil : loss;
    });
    const auto lines = metrics_of(toy);
    ASSERT_EQ(lines.size(), 8U);
    EXPECT_TRUE(lines[3].at("loss").is_null());
    EXPECT_TRUE(lines[4].at("loss").is_number());
    EXPECT_TRUE(at::isfinite(toy.network->weight).all().item<bool>());
  }
}

TEST(Trainer, SkipsAStepOnDataThatAreNotFinite) {
  struct SpoiltStage : ToyStage {
    explicit SpoiltStage(double spoil) : spoil_(spoil) {}
    at::Tensor loss(MicroBatch batch) override {
      auto input = at::ones({2, 4});
      input[1][2] = batch.step == 3 ? spoil_ : 1.0;
      return network(input).square().mean();
    }
    double spoil_;
  };
  for (const double spoil : {kInfinity, std::nan("")}) {
    SpoiltStage toy(spoil);
    const auto lines = metrics_of(toy);
    EXPECT_TRUE(lines[3].at("loss").is_null());
    EXPECT_TRUE(lines[4].at("loss").is_number());
  }
}

TEST(Trainer, SkipsAStepWithOneGradientThatIsNotFinite) {
  for (const double spoil : {kInfinity, std::nan("")}) {
    bool spoils = false;
    ToyStage toy([&](MicroBatch batch, const at::Tensor& loss) {
      spoils = batch.step == 3;
      return loss;
    });
    toy.network->bias.register_hook([&spoils, spoil](const at::Tensor& gradient) {
      auto spoilt = gradient.clone();
      spoilt[1] = spoils ? spoil : gradient[1].item<double>();
      return spoilt;
    });
    const auto lines = metrics_of(toy);
    EXPECT_TRUE(lines[3].at("loss").is_number()) << "the loss itself was finite";
    EXPECT_TRUE(lines[3].at("gradient_norm").is_null());
    EXPECT_TRUE(at::isfinite(toy.network->bias).all().item<bool>());
  }
}

TEST(Trainer, DoesNotFollowAFiniteGradientOfALossThatIsNot) {
  const ToyRun run;
  ToyStage toy([](MicroBatch, const at::Tensor& loss) { return loss + kInfinity; });
  const auto before = toy.network->weight.detach().clone();
  auto config = toy_training();
  config.max_steps = 5;
  run.train(toy, config);
  EXPECT_TRUE(testing::bit_equal(toy.network->weight, before));
}

TEST(Trainer, StopsAfterTenStepsInARowWithoutAFiniteLoss) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 100;
  // One good step among the bad starts the count anew.
  auto toy = overflowing([](int64_t step) { return step != 4; });
  EXPECT_THAT(refusal([&] { run.train(toy, config); }),
              AllOf(HasSubstr("stopped at step 15"), HasSubstr("not finite for 10 steps in a row"),
                    HasSubstr("with --resume training.optimizer.learning_rate=0.001"),
                    HasSubstr("the lines above name the assets")));
  EXPECT_EQ(run.steps_in_metrics().back(), 15);
}

TEST(Trainer, SavesNoCheckpointAmongBadSteps) {
  const ToyRun run;
  auto config = toy_training();
  config.max_steps = 12;
  config.checkpoint_every = 2;
  auto toy = overflowing([](int64_t step) { return step >= 3 && step <= 6; });
  EXPECT_EQ(run.train(toy, config), StopReason::kFinished);
  EXPECT_THAT(run.names_of_checkpoints(),
              ::testing::UnorderedElementsAre("step_00000002", "step_00000008", "step_00000010",
                                              "step_00000012"));
  const ToyRun ends_badly("ends_badly");
  config.max_steps = 100;
  auto bad = overflowing([](int64_t step) { return step >= 3; });
  EXPECT_THAT(refusal([&] { ends_badly.train(bad, config); }), HasSubstr("stopped at step 13"));
  EXPECT_THAT(ends_badly.names_of_checkpoints(), ::testing::ElementsAre("step_00000002"));
}

TEST(Trainer, ContinuesAfterBadStepsByTheAdviceItGives) {
  const ToyRun run;
  auto config = toy_training();
  config.checkpoint_every = 2;
  config.max_steps = 30;
  auto bad = overflowing([](int64_t step) { return step >= 4; });
  EXPECT_THAT(refusal([&] { run.train(bad, config); }),
              HasSubstr("--resume training.optimizer.learning_rate=0.001"));
  config.optimizer.learning_rate = 1e-3;
  EXPECT_EQ(run.resume(ToyStage(), config), StopReason::kFinished);
  EXPECT_EQ(run.metrics().back().at("step"), 30);
}

}  // namespace
}  // namespace moca::training
