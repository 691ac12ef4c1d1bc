#include "hang_report.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "moca/core/file_io.h"
#include "moca/core/logging.h"

namespace moca::training {
namespace {

constexpr int kHangs = 3;  // exit status

}  // namespace

void end_hanging_run(const distributed::ProcessGroup& group,
                     const std::filesystem::path& run_folder, const std::string& phase,
                     double seconds) {
  char taken[32];
  std::snprintf(taken, sizeof(taken), "%.0f s", seconds);
  std::string report = "rank " + std::to_string(group.rank()) + " of " +
                       std::to_string(group.size()) + " has been " + taken + " in phase '" + phase +
                       "'; its last operation with the others: " + group.operation() +
                       ". The run ends here; continue from its last checkpoint with --resume.";
  const auto file = run_folder / ("hang_rank_" + std::to_string(group.rank()) + ".json");
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

}  // namespace moca::training
