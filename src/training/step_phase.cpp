#include "step_phase.h"

#include <c10/util/Exception.h>

#include <cstdlib>
#include <exception>
#include <new>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/core/text.h"

namespace moca::training {
namespace {

constexpr int kHangs = 3;  // exit status

// Says on which rank, in which phase and operation, and writes what the process group did last
// beside the log. Nothing is waited for.
[[noreturn]] void end_hanging_run(const TrainingPlace& place, const std::string& phase,
                                  double seconds) {
  const auto& group = place.group;
  auto report = concatenated(
      "rank ", group.rank(), " of ", group.size(), " has been ", formatted("%.0f s", seconds),
      " in phase '", phase, "'; its last operation with the others: ", group.operation(),
      ". The run ends here; continue from its last checkpoint with --resume.");
  const auto file = place.run_folder / ("hang_rank_" + std::to_string(group.rank()) + ".json");
  try {
    if (!group.alone()) {
      write_file(file, distributed::ProcessGroup::flight_record());
      report += " Recent operations: " + file.string();
    }
  } catch (const std::exception& failure) {
    report += std::string(" They could not be written: ") + failure.what();
  }
  log::warn(report);
  log::flush();
  std::_Exit(kHangs);
}

}  // namespace

StepPhase::StepPhase(const TrainingPlace& place, double hang_seconds)
    : group_(place.group),
      watchdog_(std::chrono::duration<double>(hang_seconds),
                [place](const std::string& phase, double seconds) {
                  end_hanging_run(place, phase, seconds);
                }) {}

void StepPhase::enter(const std::string& phase, int64_t step) {
  phase_ = phase + " of step " + std::to_string(step);
  watchdog_.enter(phase_);
}

std::string StepPhase::place() const {
  return "rank " + std::to_string(group_.rank()) + ", " + phase_ +
         (asset_names_.empty() ? "" : ", " + asset_names_);
}

void StepPhase::say_where_it_fails(const std::function<void()>& work) const {
  try {
    work();
  } catch (const c10::Error& failed) {
    throw failure(failed.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw failure("out of memory");
  } catch (const RunFailed&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& mistake) {
    if (group_.alone()) {
      throw;
    }
    throw Error(place(), ": ", mistake.what());
  } catch (const std::exception& broken) {
    if (group_.alone()) {
      throw;
    }
    throw failure(broken.what());
  }
}

TrainingFailure StepPhase::failure(const std::string& what) const {
  return TrainingFailure(place() + ": " + first_line(what) +
                         ". Continue with --resume once the cause is mended (out of memory: "
                         "smaller training.batch_size with more training.micro_batches)");
}

}  // namespace moca::training
