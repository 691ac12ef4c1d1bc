#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moca/data/micro_batch_plan.h"
#include "moca/training/measurements.h"
#include "moca/training/training_config.h"

namespace moca::training {

using data::MicroBatch;

// What is trained. Everything about a micro-batch depends on its step, its index and the parameters
// alone: data and random numbers come from streams named by the two. Which process computes it, and
// what was computed before, makes no difference.
struct TrainingTask {
  std::shared_ptr<torch::nn::Module> model;
  // Waits until the data of the micro-batch is there, which `loss` then finds; may be null.
  std::function<void(MicroBatch which)> load = nullptr;
  // Mean over the micro-batch's components.
  std::function<at::Tensor(MicroBatch which)> loss;
  // The micro-batch's share of the step's loss; those of a step add up to 1.
  std::function<double(MicroBatch which)> weight;
  // The assets in it, for a person: "chair_0003, lamp_0007".
  std::function<std::string(MicroBatch which)> contents;
  // What `loss` measures on its way, and what is looked up when it is asked for; may be null.
  std::shared_ptr<Measurements> measurements = nullptr;
  std::function<void()> look = nullptr;
  std::function<int64_t(MicroBatch which)> num_components = nullptr;
  // Floating point operations of `loss` and its backward pass (nn/flops.h).
  std::function<double(MicroBatch which)> flops = nullptr;
  // Scores of the model as it is, for the first rank to record; may be null.
  std::function<std::vector<std::pair<std::string, double>>()> validate = nullptr;
};

// Which micro-batches one process computes: of every step each `stride`-th from `first` on.
struct MicroBatchShare {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t num_micro_batches = 1;  // of a step

  MicroBatch after(MicroBatch which) const {
    return is_last(which) ? MicroBatch{which.step + 1, first}
                          : MicroBatch{which.step, which.index + stride};
  }
  bool is_last(MicroBatch which) const { return which.index + stride >= num_micro_batches; }
};

// The share of process `rank` of `world_size`. Throws Error when the micro-batches of a step cannot
// be divided evenly.
MicroBatchShare share_of(int rank, int world_size, const TrainingConfig& config);

// How a process draws its micro-batches.
struct BatchSetup {
  data::MicroBatchRule rule;
  MicroBatchShare share;
  int64_t num_threads = 0;  // that load ahead
  uint64_t seed = 0;        // of the order, and of everything drawn in a step
};

}  // namespace moca::training
