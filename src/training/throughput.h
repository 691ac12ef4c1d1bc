#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moca/distributed/process_group.h"
#include "moca/training/training_task.h"

namespace moca::training {

// How fast the processes train, between one line of metrics and the next.
class Throughput {
 public:
  // peak_tflops: of one device; 0: unknown.
  explicit Throughput(double peak_tflops) : peak_tflops_(peak_tflops) {}

  // How long a micro-batch of this process had to be waited for.
  void add_data_wait(double seconds);

  // A micro-batch of this process.
  void add(const TrainingTask& task, MicroBatch which);

  // Figures since the last call, for all processes together; `seconds` is the run's time. All ranks
  // call it together.
  std::vector<std::pair<std::string, double>> take(int64_t step, double seconds,
                                                   distributed::ProcessGroup& group);

  // From where the next figures count.
  void start(int64_t step, double seconds);

 private:
  double peak_tflops_;
  int64_t step_ = 0;
  double seconds_ = 0;
  double components_ = 0;
  double waits_ = 0;
  double waited_seconds_ = 0;
  double flops_ = 0;
};

}  // namespace moca::training
