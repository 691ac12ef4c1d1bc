#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <memory>

namespace moca::nn {

// Stands beside a linear layer and changes its weight [out, in], so that it can be merged into it.
class WeightAdapter {
 public:
  virtual ~WeightAdapter() = default;
  virtual at::Tensor adapted(const at::Tensor& weight) const = 0;
};

// torch's linear layer, with an adapter where it was given one.
class LinearImpl : public torch::nn::LinearImpl {
 public:
  LinearImpl(int64_t width_in, int64_t width_out, bool with_bias = true);

  at::Tensor forward(const at::Tensor& input);
  // The weight [out, in] as its adapter makes it.
  at::Tensor effective_weight() const { return adapter_ ? adapter_->adapted(weight) : weight; }

  // None: without one from now on.
  void set_adapter(std::shared_ptr<const WeightAdapter> adapter) { adapter_ = std::move(adapter); }
  const std::shared_ptr<const WeightAdapter>& adapter() const { return adapter_; }

 private:
  std::shared_ptr<const WeightAdapter> adapter_;
};
TORCH_MODULE(Linear);

}  // namespace moca::nn
