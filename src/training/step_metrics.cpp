#include "step_metrics.h"

#include <algorithm>
#include <vector>

#include "moca/core/memory.h"
#include "moca/ops/device.h"

namespace moca::training {

void StepMetrics::start(int64_t step, double seconds) {
  if (place_.group.is_first()) {
    log_ = std::make_unique<MetricsLog>(place_.run_folder, step);
  }
  step_ = step;
  seconds_ = seconds;
}

void StepMetrics::add(MicroBatch batch, double seconds_waited) {
  components_ += static_cast<double>(stage_.batches().num_components(batch));
  flops_ += stage_.flops(batch);
  micro_batches_ += 1;
  seconds_waited_ += seconds_waited;
}

void StepMetrics::record(int64_t step, const StepStats& stats, double seconds) {
  if (step % config_.log_every != 0 && step != config_.max_steps) {
    return;
  }
  NamedValues values = {{"loss", stats.loss},
                        {"gradient_norm", stats.gradient_norm},
                        {"learning_rate", stats.learning_rate},
                        {"minutes", seconds / 60.0}};
  for (const auto& more : {stage_.take_measurements(place_.group), take_speed(step, seconds),
                           place_.device.is_cpu() ? NamedValues{} : gpu_memory()}) {
    values.insert(values.end(), more.begin(), more.end());
  }
  if (log_ != nullptr) {
    values.emplace_back("memory_gib", memory_gib());
    log_->record(step, values);
  }
}

// The most that a line's steps took, on the GPU where it was most.
NamedValues StepMetrics::gpu_memory() {
  std::vector<double> peaks(static_cast<size_t>(place_.group.size()));
  peaks[static_cast<size_t>(place_.group.rank())] = ops::take_peak_gpu_memory_gib(place_.device);
  peaks = place_.group.sum(peaks, "memory");
  return {{"gpu_memory_gib", *std::ranges::max_element(peaks)}};
}

NamedValues StepMetrics::take_speed(int64_t step, double seconds) {
  const auto sums =
      place_.group.sum({components_, flops_, micro_batches_, seconds_waited_}, "throughput");
  const double elapsed = std::max(seconds - seconds_, 1e-9);
  const double tflops = sums[1] / 1e12 / elapsed / place_.group.size();  // a second and device
  NamedValues values = {
      {"seconds_per_step", elapsed / static_cast<double>(std::max<int64_t>(step - step_, 1))}};
  if (sums[0] > 0) {
    values.emplace_back("components_per_second", sums[0] / elapsed);
  }
  if (sums[2] > 0) {
    values.emplace_back("data_wait_seconds", sums[3] / sums[2]);  // of a micro-batch
  }
  if (tflops > 0) {
    values.emplace_back("model_tflops_per_second", tflops);
  }
  if (tflops > 0 && config_.peak_tflops > 0) {
    values.emplace_back("model_flops_utilisation", tflops / config_.peak_tflops);
  }
  step_ = step;
  seconds_ = seconds;
  components_ = flops_ = micro_batches_ = seconds_waited_ = 0;
  return values;
}

}  // namespace moca::training
