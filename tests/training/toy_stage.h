#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "moca/core/generator.h"
#include "moca/training/stage.h"

namespace moca::training {

// A linear model of 4 inputs and 3 outputs that learns another one from noise-free samples: a stage
// whose steps take microseconds.
class ToyStage : public Stage, public Batches {
 public:
  // Gets the loss of a micro-batch and may return another.
  using Change = std::function<at::Tensor(MicroBatch batch, const at::Tensor& loss)>;

  explicit ToyStage(Change change = nullptr, int64_t num_micro_batches = 1)
      : change_(std::move(change)), num_micro_batches_(num_micro_batches) {
    torch::manual_seed(7);
    network = torch::nn::Linear(4, 3);
    network->train();
  }

  torch::nn::Module& model() override { return *network; }
  Batches& batches() override { return *this; }
  at::Tensor loss(MicroBatch batch) override {
    const auto unchanged = loss_of(network, batch);
    return change_ ? change_(batch, unchanged) : unchanged;
  }

  double weight(MicroBatch /*batch*/) override {
    return 1.0 / static_cast<double>(num_micro_batches_);
  }
  std::string asset_names(MicroBatch batch) override {
    return "toys of step " + std::to_string(batch.step);
  }

  static at::Tensor wanted_weight() { return at::arange(12).view({3, 4}).to(at::kFloat) / 12.0; }

  static at::Tensor loss_of(torch::nn::Linear& network, MicroBatch batch) {
    const auto input =
        at::randn({16, 4}, generator_for(1, "toy", batch.step, batch.index), at::TensorOptions());
    return at::mse_loss(network(input), at::linear(input, wanted_weight()));
  }

  torch::nn::Linear network{nullptr};

 private:
  Change change_;
  int64_t num_micro_batches_;
};

// Few steps with a line of metrics after each and a checkpoint at the end.
inline TrainingConfig toy_training() {
  TrainingConfig config;
  config.max_steps = 8;
  config.precision = Precision::kFp32;
  config.checkpoint_every = 1000;
  config.keep_checkpoints = 100;
  config.log_every = 1;
  config.ema_decay = 0.9;
  config.optimizer.warmup_steps = 2;
  config.optimizer.learning_rate = 1e-2;
  return config;
}

}  // namespace moca::training
