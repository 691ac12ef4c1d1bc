#pragma once

#include <filesystem>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Makes the folder of a new run with config.yaml and environment.json and begins its log.txt.
// Refuses a folder that exists; with `resume` it must exist and its config must agree in everything
// that shapes the result.
void open_run_folder(const RunConfig& config, bool resume);

}  // namespace moca::experiment
