#pragma once

#include <string>
#include <vector>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// inputs.json of a run's folder says by which files its dataset and its frozen VAE are known again.
// Their places may change, their bytes may not.

// Writes it for a run that begins.
void record_inputs(const RunConfig& config);

enum class Inputs { kDatasetAndVae, kVae };

// Compares the inputs that `config` names with those the run was trained on. Throws Error where one
// is another; with `accept` warns instead and returns a sentence for each.
std::vector<std::string> check_inputs(const RunConfig& config, Inputs inputs, bool accept);

// The same for a run that goes on with its training: inputs.json names what it is trained on from
// now on, and under `before` what it was trained on until then.
void take_over_inputs(const RunConfig& config, bool accept);

}  // namespace moca::experiment
