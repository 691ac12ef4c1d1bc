#pragma once

#include <string>
#include <vector>

#include "moca/distributed/process_group.h"
#include "moca/ops/device.h"

namespace moca::experiment {

// Throws Error where two of the ranks have one GPU (DeviceChoice::gpu of each), or some have none.
void require_own_gpus(const std::vector<std::string>& gpus);

// Of each rank the line that says where it computes. All ranks call it together and throw Error
// where their GPUs are not each its own.
std::vector<std::string> lines_of_devices(distributed::ProcessGroup& group,
                                          const ops::DeviceChoice& own);

// Every line once, with the first rank that it is of.
void log_devices(const std::vector<std::string>& lines);

}  // namespace moca::experiment
