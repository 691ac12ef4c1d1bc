#include "vision_block.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"

namespace moca::image_encoder {
namespace {

// Dinov2SwiGLUFFN of transformers.
int64_t gated_width(int64_t mlp_width) { return (mlp_width * 2 / 3 + 7) / 8 * 8; }

}  // namespace

VisionMlpImpl::VisionMlpImpl(const ImageEncoderConfig& config) : gated_(config.gated_mlp) {
  const int64_t width = config.width, mlp_width = config.mlp_ratio * width;
  if (gated_) {
    const int64_t inner = gated_width(mlp_width);
    widen_ = register_module("weights_in", nn::Linear(width, 2 * inner));
    narrow_ = register_module("weights_out", nn::Linear(inner, width));
  } else {
    widen_ = register_module("fc1", nn::Linear(width, mlp_width));
    narrow_ = register_module("fc2", nn::Linear(mlp_width, width));
  }
}

at::Tensor VisionMlpImpl::forward(const at::Tensor& tokens) {
  const auto wide = widen_(tokens);
  if (!gated_) {
    return narrow_(at::gelu(wide, "none"));
  }
  const auto halves = wide.chunk(2, -1);
  return narrow_(at::silu(halves[0]) * halves[1]);
}

VisionBlockImpl::VisionBlockImpl(const ImageEncoderConfig& config) : num_heads_(config.num_heads) {
  const int64_t width = config.width;
  const auto projection = [&] { return nn::Linear(width, width, config.query_key_value_bias); };
  norm1_ = register_module("norm1", nn::LayerNorm(width, config.norm_epsilon));
  auto outer = nn::register_group(*this, "attention");
  auto inner = nn::register_group(*outer, "attention");
  query_ = inner->register_module("query", projection());
  key_ = inner->register_module("key", projection());
  value_ = inner->register_module("value", projection());
  output_ =
      nn::register_group(*outer, "output")->register_module("dense", nn::Linear(width, width));
  scale1_ =
      nn::register_group(*this, "layer_scale1")->register_parameter("lambda1", at::ones({width}));
  norm2_ = register_module("norm2", nn::LayerNorm(width, config.norm_epsilon));
  mlp_ = register_module("mlp", VisionMlp(config));
  scale2_ =
      nn::register_group(*this, "layer_scale2")->register_parameter("lambda1", at::ones({width}));
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
  return attended + scale2_ * mlp_(norm2_(attended));
}

}  // namespace moca::image_encoder
