#pragma once

#include <chrono>
#include <cstdint>

#include "moca/distributed/process_group.h"
#include "moca/training/trainer.h"

namespace moca::training {

// When a run ends: after its last step, by a signal, or when its time is spent. The first rank says
// so.
class StopDecision {
 public:
  StopDecision(const TrainingConfig& config, distributed::ProcessGroup& group)
      : config_(config), group_(group) {}

  // The time of the runs that this one continues counts.
  void add_earlier(double seconds) { seconds_before_ += seconds; }
  double seconds_spent() const;

  // A time limit ends a run at a step that no setting names: its user learns that beforehand.
  void say_what_ends_it(int64_t step) const;
  // True for all ranks once one of them got a signal or its time is over. All call it together.
  bool agree_to_stop();
  // Of a run that ended after `step` steps.
  StopReason say_why_it_ended(int64_t step) const;

 private:
  const TrainingConfig& config_;
  distributed::ProcessGroup& group_;
  StopReason reason_ = StopReason::kFinished;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace moca::training
