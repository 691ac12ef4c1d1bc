#pragma once

#include <string>

#include "moca/distributed/launch.h"
#include "moca/experiment/run_config.h"
#include "moca/training/trainer.h"

namespace moca::experiment {

// Whether a run goes on from its newest checkpoint.
struct Resume {
  bool asked = false;
  bool accept_changed_data = false;  // with another dataset or VAE than it was trained on
};

// Checks config and data, computes one step of the run and says what it needs. Writes nothing.
std::string dry_run(const RunConfig& config);

// Trains what the config names in its run folder, from the start or from the newest checkpoint:
// with the other processes of a launch, or alone. A process that a launcher started again resumes.
training::StopReason train_run(const RunConfig& config, Resume resume = {},
                               const distributed::Launch& launch = {});

}  // namespace moca::experiment
