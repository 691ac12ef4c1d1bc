#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <chrono>

namespace moca::distributed {

// The one function of the library moca_nccl.
using AddNccl = void(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
                     int rank, int world_size, c10::Device device, std::chrono::seconds time_limit);

}  // namespace moca::distributed
