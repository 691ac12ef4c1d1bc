#include "moca/image_encoder/vision_block.h"

#include <ATen/ATen.h>

#include <memory>

#include "moca/core/shapes.h"

namespace moca::image_encoder {
namespace {

std::shared_ptr<torch::nn::Module> group(torch::nn::Module& owner, const char* name) {
  return owner.register_module(name, std::make_shared<torch::nn::Module>(name));
}

}  // namespace

VisionBlockImpl::VisionBlockImpl(int64_t width, int64_t num_heads) : num_heads_(num_heads) {
  using torch::nn::Linear;
  norm1_ = register_module("norm1", nn::LayerNorm(width, 1e-6));  // DINOv2: layer_norm_eps
  auto outer = group(*this, "attention");
  auto inner = group(*outer, "attention");
  query_ = inner->register_module("query", Linear(width, width));
  key_ = inner->register_module("key", Linear(width, width));
  value_ = inner->register_module("value", Linear(width, width));
  output_ = group(*outer, "output")->register_module("dense", Linear(width, width));
  scale1_ = group(*this, "layer_scale1")->register_parameter("lambda1", at::ones({width}));
  norm2_ = register_module("norm2", nn::LayerNorm(width, 1e-6));
  auto mlp = group(*this, "mlp");
  fc1_ = mlp->register_module("fc1", Linear(width, 4 * width));
  fc2_ = mlp->register_module("fc2", Linear(4 * width, width));
  scale2_ = group(*this, "layer_scale2")->register_parameter("lambda1", at::ones({width}));
}

at::Tensor VisionBlockImpl::attention(const at::Tensor& tokens) {
  const auto [B, T, D] = shape<3>(tokens, "image tokens [B, T, D_image]");
  const auto heads = [&, batch = B, count = T](const at::Tensor& projected) {
    return projected.view({batch, count, num_heads_, -1}).transpose(1, 2);  // [B, H, T, K]
  };
  const auto attended = at::scaled_dot_product_attention(heads(query_(tokens)), heads(key_(tokens)),
                                                         heads(value_(tokens)));
  return output_(attended.transpose(1, 2).reshape({B, T, D}));
}

at::Tensor VisionBlockImpl::forward(const at::Tensor& tokens) {
  const auto attended = tokens + scale1_ * attention(norm1_(tokens));
  return attended + scale2_ * fc2_(at::gelu(fc1_(norm2_(attended)), "none"));
}

}  // namespace moca::image_encoder
