#include "moca/distributed/process_group.h"

#include <ATen/ATen.h>
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/FlightRecorder.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>

#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "nccl_backend.h"
#include "process_group_impl.h"
#include "rendezvous.h"

namespace moca::distributed {
namespace {

constexpr size_t kBroadcastBytes = 250 << 20;  // tensors that travel together (DDP's own size)

// c10d logs every failed attempt with its stack; what matters of it is in our messages. Of NCCL's
// its errors too: its watchdog ends a process with no other word.
void quiet_c10d(c10::Device device) {
  setenv("TORCH_CPP_LOG_LEVEL", device.is_cuda() ? "ERROR" : "FATAL", /*overwrite=*/0);
  c10::initLogging();
}

void add_gloo(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
              const Launch& launch, std::chrono::seconds time_limit) {
  const auto options = c10d::ProcessGroupGloo::Options::create(time_limit);
  options->devices.push_back(launch.local_world_size == launch.world_size
                                 ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                 : c10d::ProcessGroupGloo::createDefaultDevice());
  const auto gloo =
      c10::make_intrusive<c10d::ProcessGroupGloo>(store, launch.rank, launch.world_size, options);
  group.setBackend(c10::kCPU, c10d::ProcessGroup::GLOO, gloo);
  group.setDefaultBackend(c10d::ProcessGroup::GLOO);
}

}  // namespace

void ProcessGroup::Impl::begin(const std::string& operation, const std::string& what) {
  const std::lock_guard lock(mutex);
  current = operation + " '" + what + "' (number " + std::to_string(++count) + ")";
}

void ProcessGroup::Impl::lost(const std::string& reason) const {
  const std::lock_guard lock(mutex);
  throw PeerLost("rank " + std::to_string(rank) + " of " + std::to_string(size) + ": " + current +
                 " failed because another rank ended or hangs: " + first_line(reason));
}

ProcessGroup::ProcessGroup() = default;
ProcessGroup::~ProcessGroup() {
  if (!impl_ || !impl_->has_nccl || std::uncaught_exceptions() > 0) {
    return;
  }
  try {
    impl_->group->shutdown();  // NCCL would abort, and say so
  } catch (const std::exception& failure) {
    log::warn("NCCL did not shut down: " + first_line(failure.what()));
  }
}

ProcessGroup::ProcessGroup(const Launch& launch, c10::Device device,
                           std::chrono::seconds time_limit) {
  if (launch.world_size == 1) {
    return;
  }
  quiet_c10d(device);
  // Writing to a peer that has died is an error to report, not the end of this process too. (Python
  // ignores the signal for its torch.)
  std::signal(SIGPIPE, SIG_IGN);
  impl_ = std::make_unique<Impl>();
  impl_->rank = launch.rank;
  impl_->size = launch.world_size;
  impl_->store = meet(launch, time_limit);
  impl_->begin("connect", "process group");
  try {
    impl_->group =
        c10::make_intrusive<c10d::ProcessGroup>(impl_->store, launch.rank, launch.world_size);
    add_gloo(*impl_->group, impl_->store, launch, time_limit);
    if (device.is_cuda()) {
      add_nccl(*impl_->group, impl_->store, launch, device, time_limit);
      impl_->has_nccl = true;
    }
    impl_->group->setGroupName("moca");
  } catch (const c10::Error& failure) {
    impl_->lost(failure.what_without_backtrace());
  }
}

int ProcessGroup::rank() const { return impl_ ? impl_->rank : 0; }
int ProcessGroup::size() const { return impl_ ? impl_->size : 1; }

void ProcessGroup::sum(const at::Tensor& tensor, const std::string& what) {
  if (impl_) {
    std::vector<at::Tensor> tensors{tensor};
    impl_->begin("all_reduce", what);
    impl_->guarded([&] { impl_->group->allreduce(tensors)->wait(); });
  }
}

std::vector<double> ProcessGroup::sum(const std::vector<double>& values, const std::string& what) {
  if (!impl_) {
    return values;
  }
  const auto tensor = at::tensor(values, at::kDouble);
  sum(tensor, what);
  const auto* numbers = tensor.const_data_ptr<double>();
  return {numbers, numbers + tensor.numel()};
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors, const std::string& what,
                             int from) {
  if (!impl_ || tensors.empty()) {
    return;
  }
  impl_->begin("broadcast", what);
  impl_->guarded([&] { c10d::broadcast_coalesced(impl_->group, tensors, kBroadcastBytes, from); });
}

std::vector<std::string> ProcessGroup::gather(const std::string& text, const std::string& what) {
  if (!impl_) {
    return {text};
  }
  const auto lengths = at::zeros({size()}, at::kLong);
  lengths[rank()] = static_cast<int64_t>(text.size());
  sum(lengths, what);
  // One row a rank, zero but for this rank's: the sum holds every text.
  const int64_t longest = std::max<int64_t>(lengths.max().item<int64_t>(), 1);
  const auto rows = at::zeros({size(), longest}, at::kByte);
  std::copy(text.begin(), text.end(), rows[rank()].mutable_data_ptr<uint8_t>());
  sum(rows, what);
  std::vector<std::string> texts;
  for (int r = 0; r < size(); ++r) {
    const auto* bytes = rows[r].const_data_ptr<uint8_t>();
    texts.emplace_back(bytes, bytes + lengths[r].item<int64_t>());
  }
  return texts;
}

void ProcessGroup::leave_note(const std::string& name, const std::string& text) {
  if (impl_) {
    impl_->guarded([&] { impl_->store->set("note/" + name, text); });
  }
}

std::optional<std::string> ProcessGroup::note(const std::string& name) {
  if (!impl_) {
    return std::nullopt;
  }
  return impl_->guarded([&] {
    return impl_->store->check({"note/" + name})
               ? std::optional(impl_->store->get_to_str("note/" + name))
               : std::nullopt;
  });
}

std::string ProcessGroup::operation() const {
  if (!impl_) {
    return "none: the process is alone";
  }
  const std::lock_guard lock(impl_->mutex);
  return impl_->current;
}

std::string ProcessGroup::flight_record() {
  const auto gloo = c10d::dump_fr_trace_json(/*includeCollectives=*/true, /*onlyActive=*/false);
  const auto nccl = nccl_record();
  if (nccl.empty()) {
    return gloo;
  }
  auto record = nlohmann::json::parse(gloo);
  record["nccl"] = nlohmann::json::parse(nccl);
  return record.dump();
}

void on_first_rank(ProcessGroup& group, const std::function<void()>& action) {
  std::string failure;
  if (group.is_first()) {
    try {
      action();
    } catch (const Error& refused) {
      failure = refused.what();
    }
  }
  if (group.sum({failure.empty() ? 0.0 : 1.0}, "what the first rank did")[0] > 0) {
    throw Error(failure.empty() ? "refused by rank 0, see its message" : failure);
  }
}

}  // namespace moca::distributed
