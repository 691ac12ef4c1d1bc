#pragma once

#include <string>

#include "moca/distributed/launch.h"
#include "moca/experiment/run_config.h"
#include "moca/experiment/run_folder.h"
#include "moca/training/trainer.h"

namespace moca::experiment {

// Checks config and data, computes one step of the run and says what it needs. Writes nothing.
std::string dry_run(const RunConfig& config);

// Trains what the config names in its run folder, from the start or from the newest checkpoint:
// with the other processes of a launch, or alone. A process that a launcher started again resumes.
training::StopReason train_run(const RunConfig& config, Resume resume = {},
                               const distributed::Launch& launch = {});

}  // namespace moca::experiment
