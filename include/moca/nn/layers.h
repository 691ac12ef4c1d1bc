#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>

#include "moca/nn/linear.h"

namespace moca::nn {

// LayerNorm over the last axis with weight and bias, computed in float whatever the input's type,
// as diffusers' FP32LayerNorm does. On a GPU its weight and bias are rounded to the input's type.
class LayerNormImpl : public torch::nn::Module {
 public:
  explicit LayerNormImpl(int64_t width, double epsilon = 1e-5);  // TripoSG: 1e-5, DINOv2: 1e-6
  at::Tensor forward(const at::Tensor& input);

 private:
  double epsilon_;
  at::Tensor weight_;
  at::Tensor bias_;
};
TORCH_MODULE(LayerNorm);

// RMS norm over the last axis with a weight, computed in float likewise.
class RmsNormImpl : public torch::nn::Module {
 public:
  explicit RmsNormImpl(int64_t width, double epsilon = 1e-6);  // TripoSG's qk norm: 1e-6
  at::Tensor forward(const at::Tensor& input);

 private:
  double epsilon_;
  at::Tensor weight_;
};
TORCH_MODULE(RmsNorm);

// A module that gives the keys of what is registered in it their prefix, and does nothing else.
std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& owner, const char* name);

// Linear, exact (erf) GELU, linear, four times as wide inside. Keys as in diffusers: net.0.proj,
// net.2.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(int64_t width, int64_t expansion = 4);
  at::Tensor forward(const at::Tensor& input);

 private:
  Linear widen_{nullptr};
  Linear narrow_{nullptr};
};
TORCH_MODULE(FeedForward);

}  // namespace moca::nn
