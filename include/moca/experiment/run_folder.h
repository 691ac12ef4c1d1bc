#pragma once

#include <filesystem>

#include "moca/distributed/process_group.h"
#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Makes the folder of a new run with config.yaml and environment.json and begins its log.txt.
// Refuses a folder that exists; with `resume` it must exist and its config must agree in everything
// that shapes the result. Of several processes the first does it, all learn what is refused.
void open_run_folder(const RunConfig& config, bool resume, distributed::ProcessGroup& group);

}  // namespace moca::experiment
