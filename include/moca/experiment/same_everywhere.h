#pragma once

#include <string>

#include "moca/distributed/process_group.h"
#include "moca/experiment/run_config.h"

namespace moca::experiment {

// The first line in which two dumped configs differ: "'seed: 1' there, 'seed: 2' here".
std::string first_difference(const std::string& a, const std::string& b, const std::string& where_a,
                             const std::string& where_b);

// Throws Error on every rank, naming what differs, unless all of them were started with the same
// settings, the same dataset and the same program.
void check_same_everywhere(distributed::ProcessGroup& group, const RunConfig& config);

}  // namespace moca::experiment
