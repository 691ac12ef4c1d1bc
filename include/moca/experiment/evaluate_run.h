#pragma once

#include <filesystem>

#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/run_config.h"

namespace moca::experiment {

struct EvaluateOptions {
  bool overwrite = false;            // an earlier evaluation in the output folder is removed
  bool accept_changed_data = false;  // of another dataset or VAE than the run was trained on
};

// Scores the averaged model of a run on every asset of its dataset (evaluate_model) and writes
// evaluation.json and one folder per asset into `output`. A run of stage vae is scored on its
// reconstructions alone. Refuses an output folder that exists, and another dataset or VAE than the
// run was trained on, unless told otherwise.
EvaluationResult evaluate_run(const RunConfig& config, const std::filesystem::path& output,
                              const EvaluateOptions& options = {});

}  // namespace moca::experiment
