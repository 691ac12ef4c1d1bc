#pragma once

#include <filesystem>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Scores the averaged model of a run on every asset of its dataset (evaluate_model) and writes
// evaluation.json and one folder per asset into `output`. A run of stage vae is scored on its
// reconstructions alone. Refuses an output folder that exists.
void evaluate_run(const RunConfig& config, const std::filesystem::path& output);

}  // namespace moca::experiment
