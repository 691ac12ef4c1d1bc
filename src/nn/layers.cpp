#include "moca/nn/layers.h"

#include <ATen/ATen.h>

#include <memory>

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

GeluProjectionImpl::GeluProjectionImpl(int64_t width_in, int64_t width_out)
    : proj_(register_module("proj", Linear(width_in, width_out))) {}

at::Tensor GeluProjectionImpl::forward(const at::Tensor& input) {
  return ops::linear(input, proj_->effective_weight(), proj_->bias, ops::Activation::kGelu);
}

FeedForwardImpl::FeedForwardImpl(int64_t width, int64_t expansion)
    : widen_(GeluProjection(width, width * expansion)), narrow_(Linear(width * expansion, width)) {
  auto net = register_module("net", std::make_shared<torch::nn::Module>("net"));
  net->register_module("0", widen_);
  net->register_module("2", narrow_);  // 1 is a dropout in diffusers, without parameters
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& input) { return narrow_(widen_(input)); }

}  // namespace moca::nn
