#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

namespace moca::nn {

// A linear layer that can carry a LoRA adapter: weight + scaling * B A, the adapter's keys as in
// peft (lora_A.weight [rank, in], lora_B.weight [out, rank]). Without one it is torch's layer.
class LinearImpl : public torch::nn::LinearImpl {
 public:
  LinearImpl(int64_t width_in, int64_t width_out, bool with_bias = true);

  at::Tensor forward(const at::Tensor& input);
  // The weight [out, in] with the adapter added.
  at::Tensor effective_weight() const;

  // Adds an adapter that changes nothing yet: A uniform as torch's linear layer, B zero (peft).
  void add_lora(int64_t rank, double scaling);
  // Adds scaling * B A to the weight for good and removes the adapter.
  void merge_lora();
  bool has_lora() const { return lora_a_.defined(); }

 private:
  double scaling_ = 0;
  at::Tensor lora_a_;
  at::Tensor lora_b_;
};
TORCH_MODULE(Linear);

}  // namespace moca::nn
