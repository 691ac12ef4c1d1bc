#include "../nccl_module.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" void moca_add_nccl(c10d::ProcessGroup& group,
                              const c10::intrusive_ptr<c10d::Store>& store, int rank,
                              int world_size, c10::Device device, std::chrono::seconds time_limit) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  // NCCL ends a process that waits too long, with a stack for a message: ours comes first.
  options->timeout = time_limit + std::chrono::minutes(1);
  const auto nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
      c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, world_size, options);
  nccl->setBoundDeviceId(device);
  group.setBackend(c10::kCUDA, c10d::ProcessGroup::NCCL, nccl);
}

extern "C" void moca_nccl_record(std::string& json) {
  json = c10d::dump_nccl_trace_json(/*includeCollectives=*/true, /*onlyActive=*/false);
}
