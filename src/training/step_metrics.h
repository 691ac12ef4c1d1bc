#pragma once

#include <cstdint>
#include <memory>

#include "metrics_log.h"
#include "moca/training/trainer.h"
#include "step_stats.h"

namespace moca::training {

// What a run records of its steps: a line after every training.log_every of them, by the first
// rank. How fast the processes train is told of all together, between one line and the next.
class StepMetrics {
 public:
  StepMetrics(Stage& stage, const TrainingConfig& config, const TrainingPlace& place)
      : stage_(stage), config_(config), place_(place) {}

  // Begins to record; `step` steps and `seconds` are behind the run.
  void start(int64_t step, double seconds);
  // A micro-batch of this process, which had to wait so long for its data.
  void add(MicroBatch batch, double seconds_waited);
  // After `step` steps. All ranks call it together.
  void record(int64_t step, const StepStats& stats, double seconds);
  // Of the first rank.
  void record_scores(int64_t step, const NamedValues& scores) { log_->record(step, scores); }

 private:
  NamedValues gpu_memory();
  NamedValues take_speed(int64_t step, double seconds);

  Stage& stage_;
  const TrainingConfig& config_;
  TrainingPlace place_;
  std::unique_ptr<MetricsLog> log_;  // of the first rank
  // Since the last line.
  int64_t step_ = 0;
  double seconds_ = 0;
  double components_ = 0;
  double flops_ = 0;
  double micro_batches_ = 0;
  double seconds_waited_ = 0;
};

}  // namespace moca::training
