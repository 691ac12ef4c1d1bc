#include "moca/dit/dit_block.h"

#include <ATen/ATen.h>

#include <vector>

#include "moca/core/shapes.h"
#include "moca/dit/global_attention.h"
#include "moca/dit/local_attention.h"
#include "moca/ops/attention.h"

namespace moca::dit {

DitBlockImpl::DitBlockImpl(const DitConfig& config, int64_t image_width, int64_t index)
    : config_(config),
      global_(config.is_global(index)),
      num_added_(config.global_attention == GlobalAttentionKind::kMoc
                     ? config.num_compressed_tokens + 1
                     : 0) {
  nn::AttentionSizes sizes;
  sizes.width = config.width;
  sizes.num_heads = config.num_heads;
  sizes.normed_heads = true;
  norm1_ = register_module("norm1", nn::LayerNorm(config.width));
  attn1_ = register_module("attn1", nn::Attention(sizes));
  norm2_ = register_module("norm2", nn::LayerNorm(config.width));
  sizes.context_width = image_width;
  attn2_ = register_module("attn2", nn::Attention(sizes));
  norm3_ = register_module("norm3", nn::LayerNorm(config.width));
  feed_forward_ = register_module("ff", nn::FeedForward(config.width));
  if (global_ && config.global_attention == GlobalAttentionKind::kMoc) {
    router_ = register_module("router", ComponentRouter(config));
  }
  if (index > config.num_layers / 2) {  // TripoSG: U-shaped skips into the second half
    skip_linear_ = register_module("skip_linear", nn::Linear(2 * config.width, config.width));
    skip_norm_ = register_module("skip_norm", nn::LayerNorm(config.width));
  }
}

at::Tensor DitBlockImpl::self_attention(const at::Tensor& tokens, const BlockContext& context) {
  if (!global_) {
    return local_attention(attn1_, tokens, num_added_);
  }
  if (!router_) {
    return dense_global_attention(attn1_, tokens, *context.layout);
  }
  const auto vecset =
      moc_global_attention(attn1_, router_, tokens, *context.layout, config_, context.generator);
  if (config_.compressed_tokens == CompressedTokens::kKeysOnly) {
    return vecset;
  }
  // `full`: the added tokens attend inside their component, as in a local block.
  const int64_t num_vecset = tokens.size(1) - num_added_;
  const auto local = local_attention(attn1_, tokens, num_added_);
  return at::cat({vecset, local.narrow(1, num_vecset, num_added_)}, 1);
}

at::Tensor DitBlockImpl::image_attention(const at::Tensor& tokens, const BlockContext& context) {
  const bool sees_picture =
      global_ ? config_.global_image_attention : config_.local_image_attention;
  if (!sees_picture || !context.image_tokens.defined()) {
    return attn2_->output_bias();  // zero image tokens give exactly this
  }
  const auto image = attn2_->project_context(context.image_tokens);  // once per asset
  const auto query = attn2_->project_query(tokens);                  // [n, H, S, K]
  if (context.image_tokens.size(0) == tokens.size(0)) {              // a picture of each component
    return attn2_->project_output(ops::attention(query, image.key, image.value));
  }
  std::vector<at::Tensor> outputs;
  for (const auto& group : context.layout->groups) {
    outputs.push_back(ops::attention_between(group.of_components(query),
                                             group.of_assets(image.key).unsqueeze(1),
                                             group.of_assets(image.value).unsqueeze(1))
                          .flatten(0, 1));
  }
  return attn2_->project_output(at::cat(outputs));
}

at::Tensor DitBlockImpl::after_self_attention(const at::Tensor& tokens,
                                              const BlockContext& context) {
  const auto seen = tokens + image_attention(norm2_(tokens), context);
  return seen + feed_forward_(norm3_(seen));
}

at::Tensor DitBlockImpl::forward(const at::Tensor& tokens, const at::Tensor& skip,
                                 const BlockContext& context) {
  auto input = tokens;
  if (takes_skip()) {
    input = skip_norm_(skip_linear_(at::cat({skip, tokens}, -1)));  // TripoSG: the skip comes first
  }
  const auto attended = self_attention(norm1_(input), context);  // [n, S or S - M - 1, D]
  const int64_t num_updated = attended.size(1);
  const int64_t num_kept = input.size(1) - num_updated;
  const auto updated = after_self_attention(input.narrow(1, 0, num_updated) + attended, context);
  if (num_kept == 0) {
    return updated;
  }
  return at::cat({updated, input.narrow(1, num_updated, num_kept)}, 1);
}

}  // namespace moca::dit
