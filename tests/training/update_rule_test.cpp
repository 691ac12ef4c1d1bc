// An optimiser from outside of the library, chosen by name.
#include "moca/training/update_rule.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/write_checkpoint.h"
#include "moca/config/schema.h"
#include "tests/support/ranks.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/training/small_model.h"
#include "tests/training/toy_run.h"

namespace moca::training {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

// Gradient descent with momentum, whose factor is beta1.
class Momentum : public UpdateRule {
 public:
  explicit Momentum(double factor) : factor_(factor) {}
  checkpoint::NamedTensors initial_state(const at::Tensor& parameter) const override {
    return {{"momentum", at::zeros_like(parameter).detach()}};
  }
  void update(const ParameterUpdate& update) const override {
    for (size_t i = 0; i < update.parameters.size(); ++i) {
      const auto& momentum = update.state[0][i];
      momentum.mul_(factor_).add_(update.gradients[i]);
      update.parameters[i].mul_(1 - update.learning_rate * update.weight_decay);
      update.parameters[i].sub_(momentum, update.learning_rate);
    }
  }

 private:
  double factor_;
};

class RegisteredOptimizer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    register_optimizer(
        {{"momentum", "gradients with momentum beta1", config::NoSettings()},
         [](const OptimizerConfig& config) { return std::make_unique<Momentum>(config.beta1); }});
  }

  static TrainingConfig training() {
    auto config = toy_training();
    config.optimizer.kind.name = "momentum";
    config.optimizer.learning_rate_factors = {"bias=3"};
    config.checkpoint_every = 4;
    return config;
  }
};

TEST_F(RegisteredOptimizer, IsNotRegisteredTwice) {
  EXPECT_THROW(register_optimizer({{"adamw", "", config::NoSettings()}, nullptr}),
               std::logic_error);
}

TEST_F(RegisteredOptimizer, MayBeNamedInAConfig) {
  const auto config = config::parse<OptimizerConfig>("name: momentum", "run.yaml");
  EXPECT_EQ(config.kind.name, "momentum");
  EXPECT_EQ(OptimizerConfig().kind.name, "adamw");
}

TEST_F(RegisteredOptimizer, IsAmongTheKnownOnesOfARefusalWithTheNearestFirst) {
  EXPECT_EQ(refusal([] { config::parse<OptimizerConfig>("name: momentun", "run.yaml"); }),
            "run.yaml:1: name must be one of {momentum, adamw}, got 'momentun'. Did you mean "
            "'momentum'?");
  OptimizerConfig config;
  config.kind.name = "adam";
  EXPECT_THAT(refusal([&] { make_update_rule(config); }),
              HasSubstr("training.optimizer.name must be one of {adamw, momentum}, got 'adam'"));
}

TEST_F(RegisteredOptimizer, TakesItsOwnStepsWithOptionsOfEveryParameter) {
  auto config = plain_config();
  config.kind.name = "momentum";
  config.beta1 = 0.5;
  config.weight_decay = 0;
  config.learning_rate_factors = {"bias=10"};
  auto module = with_gradient();
  const auto weight = module->weight.detach().clone(), bias = module->bias.detach().clone();
  Optimizer optimizer(*module, config);
  optimizer.step(0.1);
  optimizer.step(0.1);  // one and a half times the gradient
  EXPECT_TRUE(testing::all_close(module->weight, weight - 0.25 * module->weight.grad(), 1e-6));
  EXPECT_TRUE(testing::all_close(module->bias, bias - 2.5 * module->bias.grad(), 1e-6));
}

TEST_F(RegisteredOptimizer, IsCheckpointedUnderItsOwnNamesAndResumedToTheSameBits) {
  const ToyRun whole("whole"), stopped("stopped");
  auto config = training();
  whole.train(ToyStage(), config);
  config.max_steps = 5;
  stopped.train(ToyStage(), config);
  config.max_steps = 8;
  stopped.resume(ToyStage(), config);
  for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
    EXPECT_EQ(stopped.checkpointed(name, 8), whole.checkpointed(name, 8)) << name;
  }
  const checkpoint::SafetensorsFile state(checkpoint::step_folder(whole.checkpoints(), 8) /
                                          "optimizer.safetensors");
  EXPECT_EQ(state.entries().size(), 2U);
  EXPECT_EQ(state.read("weight.momentum").sizes(), at::IntArrayRef({3, 4}));
  EXPECT_EQ(state.read("bias.momentum").sizes(), at::IntArrayRef({3}));
}

TEST_F(RegisteredOptimizer, IsShardedOverRanksToTheSameBits) {
  const ToyRun whole("whole"), sharded("sharded");
  auto config = training();
  config.micro_batches = 2;
  for (const auto* run : {&whole, &sharded}) {
    config.shard_optimizer = run == &sharded;
    for (const auto& result : testing::run_ranks(2, [&](distributed::ProcessGroup& group) {
           ToyStage toy(nullptr, 2);
           Trainer(toy, config, {group, at::kCPU, run->path()}).train();
           return std::string("finished");
         })) {
      EXPECT_EQ(result.text, "finished");
    }
  }
  EXPECT_EQ(sharded.checkpointed("model.safetensors", 8),
            whole.checkpointed("model.safetensors", 8));
  EXPECT_EQ(checkpoint::Weights(
                checkpoint::weights_file(checkpoint::step_folder(sharded.checkpoints(), 8),
                                         "optimizer.safetensors"))
                .entries()
                .size(),
            2U);
}

}  // namespace
}  // namespace moca::training
