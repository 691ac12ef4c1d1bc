#include "stop_decision.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/progress.h"
#include "step_stats.h"

namespace moca::training {

double StopDecision::seconds_spent() const { return seconds_before_ + seconds_since(start_); }

void StopDecision::say_what_ends_it(int64_t step) const {
  if (!group_.is_first()) {
    return;
  }
  const auto last = std::to_string(config_.max_steps);
  if (step >= config_.max_steps) {
    log::info("the run is finished: step " + std::to_string(step) + " of " + last +
              ". A larger training.max_steps goes on with it.");
    return;
  }
  if (config_.max_minutes == 0) {
    return;
  }
  std::string text = "training ends at step " + last + " or after " +
                     text_of(config_.max_minutes, "%.4g") + " minutes (training.max_minutes)";
  if (seconds_before_ > 0) {
    text += ", of which earlier runs spent " + text_of(seconds_before_ / 60.0, "%.4g");
  }
  if (config_.optimizer.schedule == Schedule::kCosine) {
    text += "; the cosine schedule reaches zero at step " + last + ", whatever the time";
  }
  log::info(text);
}

bool StopDecision::agree_to_stop() {
  const bool out_of_time = config_.max_minutes > 0 && seconds_spent() > 60.0 * config_.max_minutes;
  const auto votes = group_.sum({interrupted() ? 1.0 : 0.0, out_of_time ? 1.0 : 0.0}, "stop");
  reason_ = votes[0] > 0 ? StopReason::kInterrupted : StopReason::kOutOfTime;
  return votes[0] > 0 || votes[1] > 0;
}

StopReason StopDecision::say_why_it_ended(int64_t step) const {
  if (step >= config_.max_steps) {
    return StopReason::kFinished;
  }
  if (reason_ == StopReason::kOutOfTime && group_.is_first()) {
    const double minutes = seconds_spent() / 60.0;
    log::warn("stopped at step " + std::to_string(step) + " of " +
              std::to_string(config_.max_steps) + ": the " + text_of(config_.max_minutes, "%.4g") +
              " minutes of training.max_minutes are spent (" + text_of(minutes, "%.4g") +
              "). Go on with --resume training.max_minutes=" +
              text_of(std::ceil(2 * std::max(config_.max_minutes, minutes)), "%.4g") +
              ", or 0 for no limit.");
  }
  return reason_;
}

}  // namespace moca::training
