#include "moca/nn/linear.h"

#include <ATen/ATen.h>
#include <torch/nn/init.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

#include "moca/ops/linear.h"

namespace moca::nn {
namespace {

at::Tensor register_weight(torch::nn::Module& owner, const char* name, const at::Tensor& value) {
  return owner.register_module(name, std::make_shared<torch::nn::Module>(name))
      ->register_parameter("weight", value);
}

}  // namespace

LinearImpl::LinearImpl(int64_t width_in, int64_t width_out, bool with_bias)
    : torch::nn::LinearImpl(torch::nn::LinearOptions(width_in, width_out).bias(with_bias)) {}

at::Tensor LinearImpl::effective_weight() const {
  return has_lora() ? weight + scaling_ * at::mm(lora_b_, lora_a_) : weight;
}

at::Tensor LinearImpl::forward(const at::Tensor& input) {
  return ops::linear(input, effective_weight(), bias);
}

void LinearImpl::add_lora(int64_t rank, double scaling) {
  TORCH_CHECK(!has_lora(), "a linear layer carries one LoRA adapter at most");
  TORCH_CHECK(rank >= 1, "the rank of a LoRA adapter must be at least 1, got ", rank);
  scaling_ = scaling;
  auto down = at::empty({rank, weight.size(1)}, weight.options().requires_grad(false));
  torch::nn::init::kaiming_uniform_(down, std::sqrt(5.0));  // peft: reset_lora_parameters
  lora_a_ = register_weight(*this, "lora_A", down);
  lora_b_ = register_weight(*this, "lora_B", at::zeros({weight.size(0), rank}, down.options()));
}

void LinearImpl::merge_lora() {
  if (!has_lora()) {
    return;
  }
  const torch::NoGradGuard no_grad;
  weight.copy_(effective_weight());
  unregister_module("lora_A");
  unregister_module("lora_B");
  lora_a_ = at::Tensor();
  lora_b_ = at::Tensor();
}

}  // namespace moca::nn
