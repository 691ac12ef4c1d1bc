#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "moca/image_encoder/image_encoder.h"
#include "moca/nn/layers.h"

namespace moca::image_encoder {

// The MLP of a block: linear, exact GELU, linear (keys fc1, fc2), or SwiGLU (keys weights_in,
// weights_out) with DINOv2's width: two thirds of mlp_ratio * D_image, rounded up to a multiple
// of 8.
class VisionMlpImpl : public torch::nn::Module {
 public:
  explicit VisionMlpImpl(const ImageEncoderConfig& config);
  at::Tensor forward(const at::Tensor& tokens);  // [B, T, D_image]

 private:
  bool gated_;
  nn::Linear widen_{nullptr};
  nn::Linear narrow_{nullptr};
};
TORCH_MODULE(VisionMlp);

// One DINOv2 block: x += scale1 * attention(norm1 x), x += scale2 * mlp(norm2 x). Heads are split
// in the conventional order here; the output projection always has a bias.
class VisionBlockImpl : public torch::nn::Module {
 public:
  explicit VisionBlockImpl(const ImageEncoderConfig& config);
  at::Tensor forward(const at::Tensor& tokens);  // [B, T, D_image]

 private:
  at::Tensor attention(const at::Tensor& tokens);

  int64_t num_heads_;
  nn::LayerNorm norm1_{nullptr};
  nn::LayerNorm norm2_{nullptr};
  nn::Linear query_{nullptr};
  nn::Linear key_{nullptr};
  nn::Linear value_{nullptr};
  nn::Linear output_{nullptr};
  VisionMlp mlp_{nullptr};
  at::Tensor scale1_;
  at::Tensor scale2_;
};

}  // namespace moca::image_encoder
