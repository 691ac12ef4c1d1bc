#include "moca/nn/layers.h"

#include <ATen/ATen.h>

#include "moca/ops/linear.h"

namespace moca::nn {

LayerNormImpl::LayerNormImpl(int64_t width, double epsilon)
    : epsilon_(epsilon),
      weight_(register_parameter("weight", at::ones({width}))),
      bias_(register_parameter("bias", at::zeros({width}))) {}

at::Tensor LayerNormImpl::forward(const at::Tensor& input) {
  return at::layer_norm(input.to(at::kFloat), {weight_.size(0)}, weight_.to(at::kFloat),
                        bias_.to(at::kFloat), epsilon_)
      .to(input.scalar_type());
}

RmsNormImpl::RmsNormImpl(int64_t width, double epsilon)
    : epsilon_(epsilon), weight_(register_parameter("weight", at::ones({width}))) {}

at::Tensor RmsNormImpl::forward(const at::Tensor& input) {
  return at::rms_norm(input.to(at::kFloat), {weight_.size(0)}, weight_.to(at::kFloat), epsilon_)
      .to(input.scalar_type());
}

std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& owner, const char* name) {
  return owner.register_module(name, std::make_shared<torch::nn::Module>(name));
}

FeedForwardImpl::FeedForwardImpl(int64_t width, int64_t expansion)
    : widen_(Linear(width, width * expansion)), narrow_(Linear(width * expansion, width)) {
  auto net = register_group(*this, "net");
  register_group(*net, "0")->register_module("proj", widen_);
  net->register_module("2", narrow_);  // 1 is a dropout in diffusers, without parameters
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& input) {
  return narrow_(
      ops::linear(input, widen_->effective_weight(), widen_->bias, ops::Activation::kGelu));
}

}  // namespace moca::nn
