// In NCCL's place Gloo, over the host's addresses of the device's memory.
#include <ATen/ATen.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <vector>

#include "moca/core/text.h"
#include "src/distributed/nccl_backend.h"
#include "tensors.h"

namespace moca::distributed {
namespace {

using Tensors = std::vector<at::Tensor>;

class Done final : public c10d::Work {
 public:
  explicit Done(const Tensors& tensors)
      : future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::ofTensors())) {
    future_->markCompleted(c10::IValue(tensors));
    finish();
  }
  bool wait(std::chrono::milliseconds /*limit*/) override { return true; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

 private:
  c10::intrusive_ptr<c10::ivalue::Future> future_;
};

Tensors on_host(const Tensors& tensors) {
  Tensors result;
  for (const auto& tensor : tensors) {
    TORCH_CHECK(tensor.is_cuda() && tensor.is_contiguous(),
                "stand-in for NCCL: got a tensor that is not contiguous, or on ", tensor.device());
    result.push_back(stand_in::on_host(tensor));
  }
  return result;
}

// What was asked for, as JSON texts.
std::vector<std::string>& calls() {
  static std::vector<std::string> recorded;
  return recorded;
}

class StandIn final : public c10d::Backend {
 public:
  explicit StandIn(c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo)
      : Backend(gloo->getRank(), gloo->getSize()), gloo_(std::move(gloo)) {}

  const std::string getBackendName() const override { return "nccl"; }

  c10::intrusive_ptr<c10d::Work> allreduce(Tensors& tensors,
                                           const c10d::AllreduceOptions& options) override {
    calls().emplace_back("\"allreduce\"");
    auto here = on_host(tensors);
    gloo_->allreduce(here, options)->wait();
    return c10::make_intrusive<Done>(tensors);
  }

  c10::intrusive_ptr<c10d::Work> broadcast(Tensors& tensors,
                                           const c10d::BroadcastOptions& options) override {
    calls().emplace_back("\"broadcast\"");
    auto here = on_host(tensors);
    gloo_->broadcast(here, options)->wait();
    return c10::make_intrusive<Done>(tensors);
  }

  c10::intrusive_ptr<c10d::Work> allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                                           const c10d::AllgatherOptions& options) override {
    auto here = on_host(inputs);
    std::vector<Tensors> all;
    for (const auto& tensors : outputs) {
      all.push_back(on_host(tensors));
    }
    gloo_->allgather(all, here, options)->wait();
    return c10::make_intrusive<Done>(inputs);
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace

void add_nccl(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
              const Launch& launch, c10::Device /*device*/, std::chrono::seconds time_limit) {
  const auto options = c10d::ProcessGroupGloo::Options::create(time_limit);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  const auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("stand-in for NCCL", store), launch.rank,
      launch.world_size, options);
  group.setBackend(c10::kCUDA, c10d::ProcessGroup::NCCL, c10::make_intrusive<StandIn>(gloo));
}

std::string nccl_record() { return "{\"entries\": [" + joined(calls(), ", ") + "]}"; }

}  // namespace moca::distributed
