#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "moca/training/batches.h"
#include "moca/training/measurements.h"

namespace moca::training {

// What is trained, on what, and by which loss. Everything about a micro-batch depends on its step,
// its index and the parameters alone: random numbers come from streams named by the two.
class Stage {
 public:
  // The names of what `loss` measures on its way.
  explicit Stage(const std::vector<std::string>& measured = {}) : measurements_(measured) {}
  virtual ~Stage() = default;

  virtual torch::nn::Module& model() = 0;
  virtual Batches& batches() = 0;
  // Mean over the micro-batch's components.
  virtual at::Tensor loss(MicroBatch batch) = 0;
  // Floating point operations of `loss` and its backward pass (nn/flops.h); 0: not known.
  virtual double flops(MicroBatch /*batch*/) { return 0; }
  // Means of what was measured since they were last taken. All ranks call it together.
  virtual NamedValues take_measurements(distributed::ProcessGroup& group) {
    return measurements_.take(group);
  }

 protected:
  Measurements measurements_;
};

}  // namespace moca::training
