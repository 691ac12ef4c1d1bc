#pragma once

#include "moca/distributed/process_group.h"
#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Throws Error on every rank, naming what differs, unless all of them were started with the same
// settings, the same dataset and the same program.
void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config);

}  // namespace moca::experiment
