#include "moca/nn/layers.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "moca/ops/linear.h"
#include "moca/ops/rms_norm.h"

namespace moca::nn {
namespace {

// Whether LibTorch's layer norm is given bf16 tokens as they are: it computes in float itself. On a
// GPU it takes weights of the tokens' type; on a CPU it would sum the weights' gradients in bf16.
bool casts_inside(const at::Tensor& input) {
  return at::isReducedFloatingType(input.scalar_type()) &&
         (input.is_cuda() || !at::GradMode::is_enabled());
}

}  // namespace

LayerNormImpl::LayerNormImpl(int64_t width, double epsilon)
    : epsilon_(epsilon),
      weight_(register_parameter("weight", at::ones({width}))),
      bias_(register_parameter("bias", at::zeros({width}))) {}

at::Tensor LayerNormImpl::forward(const at::Tensor& input) {
  if (casts_inside(input)) {
    const auto type = input.is_cuda() ? input.scalar_type() : weight_.scalar_type();
    // Autocast would cast to float.
    const c10::impl::ExcludeDispatchKeyGuard scope(c10::DispatchKey::AutocastCUDA);
    return at::layer_norm(input, {weight_.size(0)}, weight_.to(type), bias_.to(type), epsilon_);
  }
  return at::layer_norm(input.to(at::kFloat), {weight_.size(0)}, weight_.to(at::kFloat),
                        bias_.to(at::kFloat), epsilon_)
      .to(input.scalar_type());
}

RmsNormImpl::RmsNormImpl(int64_t width, double epsilon)
    : epsilon_(epsilon), weight_(register_parameter("weight", at::ones({width}))) {}

at::Tensor RmsNormImpl::forward(const at::Tensor& input) {
  if (ops::rms_norm_applies(input, weight_)) {
    return ops::rms_norm(input, weight_, epsilon_);
  }
  if (input.is_cuda() && casts_inside(input)) {
    return at::rms_norm(input, {weight_.size(0)}, weight_.to(input.scalar_type()), epsilon_);
  }
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
