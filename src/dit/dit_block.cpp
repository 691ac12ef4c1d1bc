#include "moca/dit/dit_block.h"

#include <ATen/ATen.h>

#include <utility>

#include "moca/ops/attention.h"

namespace moca::dit {
namespace {

nn::AttentionSizes sizes_of(const DitConfig& config, int64_t context_width) {
  return {.width = config.width,
          .context_width = context_width,
          .num_heads = config.num_heads,
          .qk_norm = true};
}

// Tokens [n, S, D] attend to one condition: [n, S, D].
at::Tensor attend_to(nn::Attention attention, const at::Tensor& tokens,
                     const PackedCondition& condition, const ComponentLayout& layout) {
  const auto context = attention->project_context(condition.tokens);  // once per asset
  const auto query = attention->project_query(tokens);                // [n, H, S, K]
  const auto& mask = condition.token_mask;
  if (condition.of_components) {
    return attention->project_output(ops::attention(query, context.key, context.value, mask));
  }
  return attention->project_output(layout.heads_of_groups([&](const AssetGroup& group) {
    return ops::attention_between(group.of_components(query),
                                  group.of_assets(context.key).unsqueeze(1),
                                  group.of_assets(context.value).unsqueeze(1),
                                  mask.defined() ? group.of_assets(mask).unsqueeze(1) : mask);
  }));
}

}  // namespace

DitBlockImpl::DitBlockImpl(const DitConfig& config, const ConditionKinds& conditions, int64_t index)
    : sees_conditions_(config.is_global(index) ? config.global_image_attention
                                               : config.local_image_attention),
      block_attention_(dit::block_attention(config, index)) {
  norm1_ = register_module("norm1", nn::LayerNorm(config.width));
  attn1_.attention = register_module("attn1", nn::Attention(sizes_of(config, 0)));
  norm2_ = register_module("norm2", nn::LayerNorm(config.width));
  for (const auto& [name, width] : conditions) {
    attn2_.push_back({name,
                      register_module(attn2_.empty() ? "attn2" : "attn_" + name,
                                      nn::Attention(sizes_of(config, width))),
                      nullptr});
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

void DitBlockImpl::adapt_self_attention(std::shared_ptr<AttentionAdapter> adapter) {
  adapter1_ = register_module("adapter1", std::move(adapter));
}

void DitBlockImpl::adapt_condition_attention(size_t condition,
                                             std::shared_ptr<AttentionAdapter> adapter) {
  auto& attention = attn2_.at(condition);
  attention.adapter = register_module(condition == 0 ? "adapter2" : "adapter2_" + attention.name,
                                      std::move(adapter));
}

at::Tensor DitBlockImpl::attend_to_tokens(const at::Tensor& tokens, const BlockContext& context) {
  const auto attend = [&](AttentionModules weights) {
    return block_attention_->forward(std::move(weights), tokens, context);
  };
  return adapter1_ ? adapter1_->forward(tokens, attn1_, attend, context) : attend(attn1_);
}

at::Tensor DitBlockImpl::attend_to_conditions(const at::Tensor& tokens,
                                              const BlockContext& context) {
  at::Tensor sum;
  for (size_t i = 0; i < attn2_.size(); ++i) {
    const auto& condition = context.conditions[i];
    const bool is_null = !sees_conditions_ || !condition.tokens.defined();
    const auto attend = [&](const AttentionModules& weights) {
      // Zero tokens give exactly the bias; in the tokens' type, which it would widen.
      return is_null ? weights.attention->output_bias().to(tokens.scalar_type())
                     : attend_to(weights.attention, tokens, condition, *context.layout);
    };
    const AttentionModules prior{attn2_[i].weights};
    const auto seen = attn2_[i].adapter ? attn2_[i].adapter->forward(tokens, prior, attend, context)
                                        : attend(prior);
    sum = sum.defined() ? sum + seen : seen;
  }
  return sum;
}

at::Tensor DitBlockImpl::forward(const at::Tensor& tokens, const at::Tensor& skip,
                                 const BlockContext& context) {
  auto input = tokens;
  if (takes_skip()) {
    input = skip_norm_(skip_linear_(at::cat({skip, tokens}, -1)));  // TripoSG: the skip comes first
  }
  const auto attended = attend_to_tokens(norm1_(input), context);  // [n, S', D]
  at::Tensor kept;
  if (const int64_t num_kept = input.size(1) - attended.size(1); num_kept > 0) {
    const auto parts = input.split_with_sizes({attended.size(1), num_kept}, 1);
    input = parts[0];
    kept = parts[1];
  }
  auto updated = input + attended;
  updated = updated + attend_to_conditions(norm2_(updated), context);
  updated = updated + feed_forward_(norm3_(updated));
  return kept.defined() ? at::cat({updated, kept}, 1) : updated;
}

}  // namespace moca::dit
