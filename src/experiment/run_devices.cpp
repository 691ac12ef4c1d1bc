#include "run_devices.h"

#include <algorithm>

#include "moca/core/error.h"
#include "moca/core/logging.h"

namespace moca::experiment {

void require_own_gpus(const std::vector<std::string>& gpus) {
  for (size_t rank = 1; rank < gpus.size(); ++rank) {
    const auto same = static_cast<size_t>(std::ranges::find(gpus, gpus[rank]) - gpus.begin());
    if (!gpus[rank].empty() && same < rank) {
      throw Error("ranks ", same, " and ", rank, " were given the same GPU (", gpus[rank],
                  "). Start one process a GPU, or give each its own (Slurm: --gpus-per-task=1).");
    }
    if (gpus[rank].empty() != gpus[0].empty()) {
      throw Error("rank 0 computes on ", (gpus[0].empty() ? "a CPU" : gpus[0]), ", rank ", rank,
                  " on ", (gpus[rank].empty() ? "a CPU" : gpus[rank]),
                  ". Use device: cuda, which says why a GPU is not used, or device: cpu.");
    }
  }
}

std::vector<std::string> lines_of_devices(distributed::ProcessGroup& group,
                                          const ops::DeviceChoice& own) {
  require_own_gpus(group.gather(own.gpu, "GPUs"));
  return group.gather(own.text, "devices");
}

void log_devices(const std::vector<std::string>& lines) {
  for (auto line = lines.begin(); line != lines.end(); ++line) {
    if (std::find(lines.begin(), line, *line) == line) {
      const auto rank = "rank " + std::to_string(line - lines.begin()) + ": ";
      log::info((lines.size() > 1 ? rank : "") + *line);
    }
  }
}

}  // namespace moca::experiment
