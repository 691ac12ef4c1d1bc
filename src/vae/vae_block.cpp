#include "vae_block.h"

#include <ATen/ATen.h>

#include "moca/ops/attention.h"

namespace moca::vae {

VaeBlockImpl::VaeBlockImpl(Kind kind, int64_t width, int64_t num_heads) {
  const bool cross = kind == Kind::kCross;
  norm_attention_ = register_module(cross ? "norm2" : "norm1", nn::LayerNorm(width));
  const nn::AttentionSizes sizes{.width = width, .num_heads = num_heads, .normed_context = cross};
  attention_ = register_module(cross ? "attn2" : "attn1", nn::Attention(sizes));
  norm3_ = register_module("norm3", nn::LayerNorm(width));
  feed_forward_ = register_module("ff", nn::FeedForward(width));
}

at::Tensor VaeBlockImpl::forward(const at::Tensor& tokens, const nn::HeadTensors& context) {
  auto heads = context;
  if (context.key.defined()) {
    heads.query = attention_->project_query(norm_attention_(tokens));
  } else {
    heads = attention_->project(norm_attention_(tokens));
  }
  const auto attended =
      tokens + attention_->project_output(ops::attention(heads.query, heads.key, heads.value));
  return attended + feed_forward_(norm3_(attended));
}

nn::HeadTensors VaeBlockImpl::project_context(const at::Tensor& context) {
  return attention_->project_context(context);
}

}  // namespace moca::vae
