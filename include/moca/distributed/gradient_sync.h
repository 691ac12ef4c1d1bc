#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "moca/distributed/process_group.h"

namespace moca::distributed {

// Sums the gradients of a model over all ranks, by c10d's Reducer: bucket by bucket while the
// backward pass goes on. Gradients of early micro-batches of a step stay on
// their rank; the last one's backward pass sums what has been accumulated. A parameter that took
// part on some rank has the same gradient on every rank afterwards, one that took part on none has
// none. With a process alone nothing happens.
class GradientSync {
 public:
  // Every rank must hold the same parameters in the same order.
  GradientSync(ProcessGroup& group, const std::vector<at::Tensor>& parameters);
  ~GradientSync();
  GradientSync(const GradientSync&) = delete;
  GradientSync& operator=(const GradientSync&) = delete;

  // Differentiates; `last` is the step's last micro-batch of this rank.
  void backward(const at::Tensor& loss, bool last);

 private:
  ProcessGroup& group_;
  struct Buckets;
  std::unique_ptr<Buckets> buckets_;  // null: alone
};

// Gives every rank the values of rank 0, and checks that they arrived.
void broadcast_parameters(ProcessGroup& group, const std::vector<at::Tensor>& parameters);

// Throws Error, naming the ranks, unless every rank holds the same bits.
void check_same_bits(ProcessGroup& group, const std::vector<at::Tensor>& tensors,
                     const std::string& what);

}  // namespace moca::distributed
