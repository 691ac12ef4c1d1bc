#include "moca/dit/dit_block.h"

#include <ATen/ATen.h>

#include "moca/ops/attention.h"

namespace moca::dit {
namespace {

nn::AttentionSizes sizes_of(const DitConfig& config, int64_t context_width) {
  nn::AttentionSizes sizes;
  sizes.width = config.width;
  sizes.context_width = context_width;
  sizes.num_heads = config.num_heads;
  sizes.normed_heads = true;
  return sizes;
}

// Tokens [n, S, D] attend to one condition: [n, S, D].
at::Tensor attend_to(nn::Attention& attention, const at::Tensor& tokens,
                     const PackedCondition& condition, const ComponentLayout& layout) {
  const auto context = attention->project_context(condition.tokens);  // once per asset
  const auto query = attention->project_query(tokens);                // [n, H, S, K]
  const auto& mask = condition.token_mask;
  if (condition.of_components) {
    return attention->project_output(ops::attention(query, context.key, context.value, mask));
  }
  std::vector<at::Tensor> outputs;
  for (const auto& group : layout.groups) {
    outputs.push_back(ops::attention_between(
                          group.of_components(query), group.of_assets(context.key).unsqueeze(1),
                          group.of_assets(context.value).unsqueeze(1),
                          mask.defined() ? group.of_assets(mask).unsqueeze(1) : mask)
                          .flatten(0, 1));
  }
  return attention->project_output(at::cat(outputs));
}

}  // namespace

DitBlockImpl::DitBlockImpl(const DitConfig& config, const ConditionKinds& conditions, int64_t index)
    : sees_conditions_(config.is_global(index) ? config.global_image_attention
                                               : config.local_image_attention),
      self_attention_(block_attention(config, index)) {
  norm1_ = register_module("norm1", nn::LayerNorm(config.width));
  attn1_.attention = register_module("attn1", nn::Attention(sizes_of(config, 0)));
  norm2_ = register_module("norm2", nn::LayerNorm(config.width));
  for (const auto& [name, width] : conditions) {
    attn2_.push_back(register_module(attn2_.empty() ? "attn2" : "attn_" + name,
                                     nn::Attention(sizes_of(config, width))));
  }
  norm3_ = register_module("norm3", nn::LayerNorm(config.width));
  feed_forward_ = register_module("ff", nn::FeedForward(config.width));
  if (config.is_global(index) && config.global_attention == GlobalAttentionKind::kMoc) {
    attn1_.router = register_module("router", ComponentRouter(config));
  }
  if (index > config.num_layers / 2) {  // TripoSG: U-shaped skips into the second half
    skip_linear_ = register_module("skip_linear", nn::Linear(2 * config.width, config.width));
    skip_norm_ = register_module("skip_norm", nn::LayerNorm(config.width));
  }
}

at::Tensor DitBlockImpl::condition_attention(const at::Tensor& tokens,
                                             const BlockContext& context) {
  at::Tensor sum;
  for (size_t i = 0; i < attn2_.size(); ++i) {
    const auto& condition = context.conditions[i];
    const auto seen = sees_conditions_ && condition.tokens.defined()
                          ? attend_to(attn2_[i], tokens, condition, *context.layout)
                          : attn2_[i]->output_bias();  // zero tokens give exactly this
    sum = sum.defined() ? sum + seen : seen;
  }
  return sum;
}

at::Tensor DitBlockImpl::after_self_attention(const at::Tensor& tokens,
                                              const BlockContext& context) {
  const auto seen = tokens + condition_attention(norm2_(tokens), context);
  return seen + feed_forward_(norm3_(seen));
}

at::Tensor DitBlockImpl::forward(const at::Tensor& tokens, const at::Tensor& skip,
                                 const BlockContext& context) {
  auto input = tokens;
  if (takes_skip()) {
    input = skip_norm_(skip_linear_(at::cat({skip, tokens}, -1)));  // TripoSG: the skip comes first
  }
  const auto attended = self_attention_->forward(attn1_, norm1_(input), context);  // [n, S', D]
  const int64_t num_updated = attended.size(1);
  const int64_t num_kept = input.size(1) - num_updated;
  const auto updated = after_self_attention(input.narrow(1, 0, num_updated) + attended, context);
  if (num_kept == 0) {
    return updated;
  }
  return at::cat({updated, input.narrow(1, num_updated, num_kept)}, 1);
}

}  // namespace moca::dit
