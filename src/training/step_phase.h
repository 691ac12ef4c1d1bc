#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "moca/core/watchdog.h"
#include "moca/training/trainer.h"

namespace moca::training {

// What this process is doing, for the message of an operation that fails and for a watchdog, which
// ends a process that stays in one phase for longer than training.hang_seconds.
class StepPhase {
 public:
  StepPhase(const TrainingPlace& place, double hang_seconds);

  // The phase before has ended, this one of `step` begins: "forward".
  void enter(const std::string& phase, int64_t step);
  // Which assets are in work from now on; empty: none.
  void set_asset_names(const std::string& names) { asset_names_ = names; }

  // "rank 0, forward of step 5, chair, lamp".
  std::string place() const;
  // Does `work`. What it throws goes on with the place where that was: a failing operation of
  // LibTorch's as TrainingFailure; where there are several processes, a mistake as Error and any
  // other exception as TrainingFailure.
  void say_where_it_fails(const std::function<void()>& work) const;
  // What went wrong in this phase.
  TrainingFailure failure(const std::string& what) const;

 private:
  const distributed::ProcessGroup& group_;
  std::string phase_;
  std::string asset_names_;
  Watchdog watchdog_;
};

}  // namespace moca::training
