#include "moca/training/dry_run.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <chrono>
#include <cmath>
#include <cstdio>

#include "moca/core/error.h"
#include "moca/core/memory.h"
#include "moca/core/progress.h"
#include "moca/nn/autocast.h"
#include "moca/training/averaged_weights.h"
#include "moca/training/optimizer.h"

namespace moca::training {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

MicroBatch largest(const TrainingTask& task, const MicroBatchShare& share) {
  MicroBatch found{0, share.first};
  for (MicroBatch which = found; which.step < kDryRunSteps; which = share.after(which)) {
    if (task.num_components(which) > task.num_components(found)) {
      found = which;
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

double peak_of(c10::Device device) {
  if (device.is_cpu()) {
    return peak_memory_gib();
  }
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return static_cast<double>(stats.allocated_bytes[0].peak) / kGib;
}

}  // namespace

DryRun dry_run(const TrainingTask& task, const TrainingConfig& config, const MicroBatchShare& share,
               int world_size, c10::Device device) {
  const auto shards = shards_of(trainable_parameters(*task.model), static_cast<int>(share.first),
                                world_size, config.shard_optimizer);
  Optimizer optimizer(*task.model, config.optimizer, shards);
  AveragedWeights ema(*task.model, {config.ema_decay, config.ema_on_cpu}, shards);
  const auto which = largest(task, share);
  DryRun found;
  found.largest_components = task.num_components(which);
  task.model->train();
  const auto step = [&] {
    optimizer.zero_gradients();
    const nn::Autocast autocast(device, config.precision == Precision::kBf16);
    const auto loss = task.loss(which);
    found.loss = loss.item<double>();
    loss.backward();
    optimizer.step(learning_rate_at(config.optimizer, 0, config.max_steps));
    ema.update(0);
  };
  step();  // the first one also loads data and libraries
  const auto start = std::chrono::steady_clock::now();
  step();
  const int64_t micro_batches = share.num_micro_batches / share.stride;
  found.seconds_per_step = seconds_since(start) * static_cast<double>(micro_batches);
  if (!std::isfinite(found.loss)) {
    throw Error("the loss of the first step is not finite, with " + task.contents(which) +
                ". Look at this data, or lower optimizer.learning_rate.");
  }
  double parameters = 0;
  for (const auto& parameter : optimizer.parameters()) {
    found.num_parameters += parameter.numel();
    parameters += static_cast<double>(parameter.nbytes());
  }
  const double state = bytes_of(optimizer.state()), averages = bytes_of(ema.state());
  found.peak = peak_of(device);
  found.states = (2 * parameters + state + averages) / kGib;
  found.checkpoint_copy = (parameters + state + averages) / kGib;
  return found;
}

std::string text_of(const DryRun& found, const TrainingConfig& config, c10::Device device) {
  char text[640];
  std::snprintf(
      text, sizeof(text),
      "%.2f M trainable parameters; the largest of this process's micro-batches has %lld "
      "components, its loss is %.4f\n"
      "memory: %.2f GiB %s at most, %.2f of it parameters, gradients, AdamW and averages; %.2f GiB "
      "of main memory with the copy that a checkpoint is written from\n"
      "a step takes %.2f s or less, %lld steps %s",
      static_cast<double>(found.num_parameters) / 1e6,
      static_cast<long long>(found.largest_components), found.loss, found.peak,
      device.is_cpu() ? "of main memory" : "on the GPU", found.states, found.main_memory(device),
      found.seconds_per_step, static_cast<long long>(config.max_steps),
      format_duration(found.seconds_per_step * static_cast<double>(config.max_steps)).c_str());
  return text;
}

}  // namespace moca::training
