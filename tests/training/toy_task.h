#pragma once

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "moca/core/generator.h"
#include "moca/training/trainer.h"

namespace moca::training {

// A linear model of 4 inputs and 3 outputs that learns another one from noise-free samples: a task
// whose steps take microseconds.
struct ToyTask {
  ToyTask() {
    torch::manual_seed(7);
    model = torch::nn::Linear(4, 3);
    model->train();
  }

  TrainingTask task() const {
    return task([](int64_t, const at::Tensor& loss) { return loss; });
  }
  // `change` gets the loss of a step and may return another.
  TrainingTask task(std::function<at::Tensor(int64_t step, const at::Tensor& loss)> change,
                    int64_t num_micro_batches = 1) const {
    return {
        .model = model.ptr(),
        .loss = [model = model, change = std::move(change)](
                    MicroBatch which) mutable { return change(which.step, loss(model, which)); },
        .weight = [num_micro_batches](
                      MicroBatch) { return 1.0 / static_cast<double>(num_micro_batches); },
        .contents = [](MicroBatch which) { return "toys of step " + std::to_string(which.step); }};
  }

  static at::Tensor wanted_weight() { return at::arange(12).view({3, 4}).to(at::kFloat) / 12.0; }

  static at::Tensor loss(torch::nn::Linear& model, MicroBatch which) {
    const auto input =
        at::randn({16, 4}, generator_for(1, "toy", which.step, which.index), at::TensorOptions());
    return at::mse_loss(model(input), at::linear(input, wanted_weight()));
  }

  torch::nn::Linear model{nullptr};
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
