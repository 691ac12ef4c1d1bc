#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "moca/nn/layers.h"

namespace moca::image_encoder {

// One DINOv2 block: x += scale1 * attention(norm1 x), x += scale2 * mlp(norm2 x). Heads are split
// in the conventional order here, and every projection has a bias.
class VisionBlockImpl : public torch::nn::Module {
 public:
  VisionBlockImpl(int64_t width, int64_t num_heads);
  at::Tensor forward(const at::Tensor& tokens);  // [B, T, D_image]

 private:
  at::Tensor attention(const at::Tensor& tokens);

  int64_t num_heads_;
  nn::LayerNorm norm1_{nullptr};
  nn::LayerNorm norm2_{nullptr};
  torch::nn::Linear query_{nullptr};
  torch::nn::Linear key_{nullptr};
  torch::nn::Linear value_{nullptr};
  torch::nn::Linear output_{nullptr};
  torch::nn::Linear fc1_{nullptr};
  torch::nn::Linear fc2_{nullptr};
  at::Tensor scale1_;
  at::Tensor scale2_;
};
TORCH_MODULE(VisionBlock);

}  // namespace moca::image_encoder
