#pragma once

#include <filesystem>

#include "moca/core/logging.h"
#include "moca/distributed/process_group.h"
#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Whether a run goes on from its newest checkpoint.
struct Resume {
  bool asked = false;
  bool accept_changed_data = false;  // with another dataset or VAE than it was trained on
};

// Makes the folder of a new run with config.yaml, environment.json and inputs.json and begins its
// log.txt, which ends with what is returned. Refuses a folder that exists; to resume it must exist
// and its config must agree in everything that makes the run what it is; settings that may change
// (config::kMayChange) and did are written to its config.yaml and its log. Of several processes the
// first does it, all learn what is refused.
[[nodiscard]] log::File open_run_folder(const RunConfig& config, const Resume& resume,
                                        distributed::ProcessGroup& group);

}  // namespace moca::experiment
