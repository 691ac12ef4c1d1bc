#pragma once

#include "moca/experiment/run_config.h"
#include "moca/training/trainer.h"

namespace moca::experiment {

// Trains what the config names in its run folder, from the start or from the newest checkpoint.
training::StopReason train_run(const RunConfig& config, bool resume);

}  // namespace moca::experiment
