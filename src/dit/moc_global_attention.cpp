#include "moc_global_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "moca/core/shapes.h"
#include "moca/nn/flops.h"
#include "moca/ops/moc_attention.h"

namespace moca::dit {
namespace {

// Heads [n, H, S, K] of a group as [assets, N, H, S, K].
at::Tensor of_group(const AssetGroup& group, const at::Tensor& heads) {
  return heads.defined() ? group.of_components(heads) : at::Tensor();
}

}  // namespace

int64_t MocGlobalAttention::num_updated(int64_t num_tokens) const {
  return config_.compressed_tokens == CompressedTokens::kKeysOnly ? num_tokens + 1
                                                                  : local_.num_updated(num_tokens);
}

at::Tensor MocGlobalAttention::forward(AttentionModules modules, const at::Tensor& tokens,
                                       const BlockContext& context) const {
  const auto vecset = of_vecset(modules, tokens, context);
  if (config_.compressed_tokens == CompressedTokens::kKeysOnly) {
    return vecset;
  }
  const auto local = local_.forward(std::move(modules), tokens, context);
  return at::cat({vecset, local.narrow(1, vecset.size(1), config_.num_added_tokens())}, 1);
}

at::Tensor MocGlobalAttention::of_vecset(AttentionModules& modules, const at::Tensor& tokens,
                                         const BlockContext& context) const {
  const auto [n, S, D] = shape<3>(tokens, "tokens [n, S, D]");
  auto& attention = modules.attention;
  const auto& layout = *context.layout;
  const int64_t M = config_.num_compressed_tokens;
  const int64_t num_vecset = S - M - 1;
  // One split: its backward pass writes the gradient of the tokens once.
  const auto parts = tokens.split_with_sizes({num_vecset, M, 1}, 1);
  const auto full = attention->project(parts[0]);
  nn::HeadTensors compressed;
  const auto leaves_some_out = [&](const AssetGroup& group) {
    return group.components_per_asset > config_.router.num_selected + 1;
  };
  if (config_.attend_compressed && std::ranges::any_of(layout.groups, leaves_some_out)) {
    compressed = attention->project_key_value(parts[1]);
  }
  const auto anchors = parts[2].squeeze(1);  // [n, D]
  return attention->project_output(layout.heads_of_groups([&](const AssetGroup& group) {
    const ops::MocPlan plan{
        .routing = modules.router->forward(group.of_components(anchors), context.generator),
        .gate_target = config_.router.gate_target,
        .attend_compressed = config_.attend_compressed,
        .gate_compressed = config_.router.gate_compressed};
    return ops::moc_attention(of_group(group, full.query), of_group(group, full.key),
                              of_group(group, full.value), of_group(group, compressed.key),
                              of_group(group, compressed.value), plan);  // [assets, N, H, L, K]
  }));
}

double MocGlobalAttention::flops(int64_t num_components, int64_t num_tokens) const {
  using nn::attention_flops;
  using nn::linear_flops;
  const double N = num_components, L = num_tokens + 1, M = config_.num_compressed_tokens;
  const double D = config_.width;
  const double selected = std::min(static_cast<double>(config_.router.num_selected), N - 1);
  const bool compresses = config_.attend_compressed && selected < N - 1;
  const double routed = config_.router.per_head ? D : D / static_cast<double>(config_.num_heads);
  const double keys = (1 + selected) * L + (compresses ? (N - 1 - selected) * M : 0.0);
  const double vecset = linear_flops(N * L, D, 4 * D) +
                        (compresses ? linear_flops(N * M, D, 2 * D) : 0.0) +
                        attention_flops(N * L, keys, D) + linear_flops(N, D, 2 * routed) +
                        0.5 * attention_flops(N, N, routed);  // scores of the anchors
  const bool keys_only = config_.compressed_tokens == CompressedTokens::kKeysOnly;
  return keys_only ? vecset : vecset + local_.flops(num_components, num_tokens);
}

}  // namespace moca::dit
