#include "bad_steps.h"

#include <string>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"

namespace moca::training {
namespace {

constexpr int kMaxBadSteps = 10;

}  // namespace

void BadSteps::count(int64_t step, const StepStats& stats) {
  if (stats.is_finite()) {
    in_a_row_ = 0;
    return;
  }
  const auto names = joined(share_.of_step(step), "; ",
                            [&](MicroBatch batch) { return batches_.asset_names(batch); });
  log::warn("step " + std::to_string(step) + " skipped: loss " + text_of(stats.loss) +
            ", gradient norm " + text_of(stats.gradient_norm) + ", with " + names);
  if (++in_a_row_ == kMaxBadSteps) {
    throw Error(
        "stopped at step ", step + 1, ": the loss or gradient was not finite for ", kMaxBadSteps,
        " steps in a row. Where the learning rate is the cause, go on from the last checkpoint, or "
        "from the beginning where there is none, with --resume training.optimizer.learning_rate=",
        text_of(config_.optimizer.learning_rate / 10, "%.4g"),
        "; where the data are, the lines above name the assets.");
  }
}

}  // namespace moca::training
