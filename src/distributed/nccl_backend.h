#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <chrono>
#include <string>

#include "moca/distributed/launch.h"

namespace moca::distributed {

// Adds NCCL for tensors on `device`. Throws Error where this moca was built without CUDA.
void add_nccl(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
              const Launch& launch, c10::Device device, std::chrono::seconds time_limit);

// What NCCL did of late, as JSON; empty where it is not used.
std::string nccl_record();

}  // namespace moca::distributed
