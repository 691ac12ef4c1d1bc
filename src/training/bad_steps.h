#pragma once

#include <cstdint>

#include "moca/training/batches.h"
#include "moca/training/training_config.h"
#include "step_stats.h"

namespace moca::training {

// Steps in a row whose loss or gradient was not finite, which are skipped.
class BadSteps {
 public:
  // `share`: of this process, whose assets are named.
  BadSteps(const TrainingConfig& config, Batches& batches, const MicroBatchShare& share)
      : config_(config), batches_(batches), share_(share) {}

  // After step `step`. Warns of one that was skipped; throws Error after too many in a row.
  void count(int64_t step, const StepStats& stats);
  bool any() const { return in_a_row_ > 0; }

 private:
  const TrainingConfig& config_;
  Batches& batches_;
  MicroBatchShare share_;
  int in_a_row_ = 0;
};

}  // namespace moca::training
