#include "moca/distributed/gradient_sync.h"

#include <ATen/ATen.h>
#include <torch/types.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include <string>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/transfer.h"
#include "process_group_impl.h"

namespace moca::distributed {
namespace {

using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

// Adds a bucket up. The Reducer's own way would divide by the number of ranks first, but a loss is
// weighted by what it holds of the step.
class SumBucket : public c10d::CppCommHookInterface<Group> {
 public:
  using CppCommHookInterface::CppCommHookInterface;

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> tensors{bucket.getBufferRef()};
    return state_->allreduce(tensors)->getFuture();
  }
};

}  // namespace

// c10d's Reducer is not a public interface of LibTorch: it is named here alone, and its constructor
// is that of 2.11.
struct GradientSync::Buckets {
  Buckets(const std::vector<at::Tensor>& parameters, const Group& group) {
    const auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(
        parameters, {c10d::kDefaultFirstBucketBytes, c10d::kDefaultBucketBytesCap});
    // The last parameters have their gradients first.
    const std::vector<std::vector<size_t>> last_first(buckets.rbegin(), buckets.rend());
    // Looking for unused parameters also keeps the buckets as they are. They would be rearranged
    // after the first step otherwise, and with three ranks a sum's bits depend on its place.
    reducer = std::make_unique<c10d::Reducer>(
        parameters, last_first, group, std::vector<bool>(parameters.size(), false),
        c10d::kDefaultBucketBytesCap, /*find_unused_parameters=*/true,
        /*gradient_as_bucket_view=*/true, std::unordered_map<size_t, std::string>(),
        c10d::kDefaultFirstBucketBytes, /*skip_all_reduce_unused_params=*/false,
        /*use_python_reducer=*/false, std::vector<int64_t>());
    reducer->register_comm_hook(std::make_unique<SumBucket>(group));
  }
  ~Buckets() { reducer->remove_autograd_hooks(); }
  Buckets(const Buckets&) = delete;
  Buckets& operator=(const Buckets&) = delete;

  std::unique_ptr<c10d::Reducer> reducer;
};

GradientSync::GradientSync(ProcessGroup& group, const std::vector<at::Tensor>& parameters)
    : group_(group) {
  if (!group_.alone()) {
    c10d::verify_params_across_processes(group_.impl()->group, parameters, std::nullopt);
    buckets_ = std::make_unique<Buckets>(parameters, group_.impl()->group);
  }
}

GradientSync::~GradientSync() = default;

void GradientSync::backward(const at::Tensor& loss, bool last) {
  if (!last || group_.alone()) {
    loss.backward();
    return;
  }
  group_.impl()->begin("all_reduce", "gradients");
  try {
    buckets_->reducer->prepare_for_forward();
    buckets_->reducer->rebuild_buckets();
    buckets_->reducer->prepare_for_backward({loss});
    loss.backward();
  } catch (const c10::DistError& failure) {
    group_.impl()->lost(failure.what_without_backtrace());
  }
}

void broadcast_parameters(ProcessGroup& group, const std::vector<at::Tensor>& parameters) {
  const torch::NoGradGuard no_grad;
  const auto dense = mapped(parameters, [](const at::Tensor& held) { return held.detach(); });
  group.broadcast(dense, "initial weights");
  check_same_bits(group, dense, "the weights");
}

void check_same_bits(ProcessGroup& group, const std::vector<at::Tensor>& tensors,
                     const std::string& what) {
  if (group.alone()) {
    return;
  }
  const auto hash_of = [](const at::Tensor& tensor) {
    return at::hash_tensor(tensor.detach()).view(at::kLong);
  };
  const auto all = to_host(at::stack(mapped(tensors, hash_of)));  // one copy to the host
  const std::string bytes(static_cast<const char*>(all.const_data_ptr()), all.nbytes());
  const auto texts = group.gather(bytes, "hash of " + what);
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] != texts[0]) {
      throw Error(what, " of rank ", rank,
                  " are not those of rank 0. Start all ranks from one folder and one program.");
    }
  }
}

}  // namespace moca::distributed
