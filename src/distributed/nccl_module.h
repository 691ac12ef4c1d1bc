#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <chrono>
#include <string>

namespace moca::distributed {

// The functions of the library moca_nccl: moca_add_nccl and moca_nccl_record.
using AddNccl = void(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
                     int rank, int world_size, c10::Device device, std::chrono::seconds time_limit);
using NcclRecord = void(std::string& json);

}  // namespace moca::distributed
