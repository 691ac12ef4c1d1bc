#pragma once

#include "moca/core/logging.h"
#include "moca/distributed/process_group.h"
#include "moca/experiment/train_run.h"
#include "moca/ops/device.h"

namespace moca::experiment {

// Throws Error on every rank, naming what differs, unless all of them were started with the same
// settings, the same dataset and the same program.
void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config);

// Makes the folder of a new run with config.yaml, environment.json and inputs.json and begins its
// log.txt, which ends with what is returned. Refuses a folder that exists; to resume it must exist
// and its config must agree in everything that makes the run what it is; settings that may change
// (config::kMayChange) and did are written to its config.yaml and its log. Of several processes the
// first does it, all learn what is refused.
[[nodiscard]] log::File open_run_folder(const RunConfig& config, const Resume& resume,
                                        distributed::ProcessGroup& group,
                                        const ops::DeviceChoice& device);

}  // namespace moca::experiment
