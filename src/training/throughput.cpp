#include "throughput.h"

#include <algorithm>

namespace moca::training {

void Throughput::add_data_wait(double seconds) {
  waits_ += 1;
  waited_seconds_ += seconds;
}

void Throughput::add(const TrainingTask& task, MicroBatch which) {
  components_ += task.num_components ? static_cast<double>(task.num_components(which)) : 0.0;
  flops_ += task.flops ? task.flops(which) : 0.0;
}

std::vector<std::pair<std::string, double>> Throughput::take(int64_t step, double seconds,
                                                             distributed::ProcessGroup& group) {
  const auto sums = group.sum({components_, flops_, waits_, waited_seconds_}, "throughput");
  const double elapsed = std::max(seconds - seconds_, 1e-9);
  const double tflops = sums[1] / 1e12 / elapsed / group.size();  // a second and device
  std::vector<std::pair<std::string, double>> values = {
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
  if (tflops > 0 && peak_tflops_ > 0) {
    values.emplace_back("model_flops_utilisation", tflops / peak_tflops_);
  }
  start(step, seconds);
  return values;
}

void Throughput::start(int64_t step, double seconds) {
  step_ = step;
  seconds_ = seconds;
  components_ = flops_ = waits_ = waited_seconds_ = 0;
}

}  // namespace moca::training
