#include "moca/training/dry_run.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/memory.h"
#include "moca/core/progress.h"
#include "moca/core/text.h"
#include "moca/core/transfer.h"
#include "moca/nn/autocast.h"
#include "moca/ops/device.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/optimizer.h"
#include "parameter_shards.h"

namespace moca::training {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
// Of two steps each.
constexpr int64_t kDryRunRounds = 4;

MicroBatch largest(Batches& batches, const MicroBatchShare& share, int64_t max_steps) {
  MicroBatch found{0, share.first};
  const int64_t steps = std::min(kDryRunSteps, max_steps);
  for (MicroBatch batch = found; batch.step < steps; batch = share.after(batch)) {
    if (batches.num_components(batch) > batches.num_components(found)) {
      found = batch;
    }
  }
  return found;
}

double bytes_of(const checkpoint::NamedTensors& tensors) {
  double bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += static_cast<double>(tensor.nbytes());
  }
  return bytes;
}

// What a checkpoint is written from while the next step is computed.
std::vector<at::Tensor> checkpoint_copy(const torch::nn::Module& model, const Optimizer& optimizer,
                                        const AveragedWeights& ema) {
  std::vector<at::Tensor> copy;
  for (const auto& state : {checkpoint::state_of(model), optimizer.state(), ema.state()}) {
    for (const auto& [name, tensor] : state) {
      copy.push_back(empty_on_host(tensor).copy_(tensor.detach()));
    }
  }
  return copy;
}

}  // namespace

DryRun dry_run(Stage& stage, const TrainingConfig& config, const MicroBatchShare& share,
               c10::Device device) {
  auto& model = stage.model();
  const auto shards = shards_of(trainable_parameters(model), static_cast<int>(share.first),
                                static_cast<int>(share.stride), config.shard_optimizer);
  Optimizer optimizer(model, config.optimizer, shards);
  AveragedWeights ema(model, {config.ema_decay, config.ema_on_cpu}, shards);
  const auto largest_batch = largest(stage.batches(), share, config.max_steps);
  const int64_t own_micro_batches = share.num_micro_batches / share.stride;
  const auto micro_batches = static_cast<double>(own_micro_batches);
  DryRun found;
  found.largest_components = stage.batches().num_components(largest_batch);
  found.tflops_per_step = micro_batches * stage.flops(largest_batch) / 1e12;
  model.train();
  const auto step = [&](MicroBatch batch) {
    optimizer.zero_gradients();
    const nn::Autocast autocast(device, config.uses_bf16());
    const auto loss = stage.loss(batch);
    found.loss = loss.item<double>();
    loss.backward();
    optimizer.step(learning_rate_at(config.optimizer, 0, config.max_steps));
    ema.update(0);
  };
  // Memory grows over the first steps: tensors of other sizes leave gaps.
  std::vector<at::Tensor> copy;
  for (int64_t round = 0; round < kDryRunRounds; ++round) {
    step({round, share.first});
    const auto start = std::chrono::steady_clock::now();
    step(largest_batch);
    ops::synchronize(device);
    found.seconds_per_step = seconds_since(start) * micro_batches;
    copy.clear();
    copy = checkpoint_copy(model, optimizer, ema);
  }
  if (!std::isfinite(found.loss)) {
    throw Error("the loss is not finite within a few steps, here with ",
                stage.batches().asset_names(largest_batch),
                ". Look at this data, or lower training.optimizer.learning_rate.");
  }
  double parameters = 0;
  for (const auto& parameter : optimizer.parameters()) {
    found.num_parameters += parameter.numel();
    parameters += static_cast<double>(parameter.nbytes());
  }
  found.peak = device.is_cpu() ? peak_memory_gib() : ops::take_peak_gpu_memory_gib(device);
  found.states = (2 * parameters + bytes_of(optimizer.state()) + bytes_of(ema.state())) / kGib;
  found.main_memory = peak_memory_gib();
  return found;
}

std::string text_of(const DryRun& found, const TrainingConfig& config, c10::Device device) {
  const auto on_device = device.is_cpu() ? "" : formatted("%.2f GiB on the GPU and ", found.peak);
  return formatted(
      "%.2f M trainable parameters; the largest of this process's micro-batches has %lld "
      "components, its loss is %.4f\n"
      "memory: %s%.2f GiB of main memory with the copy that a checkpoint is written from; "
      "parameters, gradients, optimiser and averages are %.2f GiB\n"
      "a step takes %.2f s or less for %.3g TFLOPs, %lld steps %s",
      static_cast<double>(found.num_parameters) / 1e6,
      static_cast<long long>(found.largest_components), found.loss, on_device.c_str(),
      found.main_memory, found.states, found.seconds_per_step, found.tflops_per_step,
      static_cast<long long>(config.max_steps),
      format_duration(found.seconds_per_step * static_cast<double>(config.max_steps)).c_str());
}

}  // namespace moca::training
