#include "moca/dit/global_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "moca/core/shapes.h"
#include "moca/ops/attention.h"
#include "moca/ops/moc_attention.h"

namespace moca::dit {
namespace {

// Heads [n, H, S, K] of a group as [assets, N, H, S, K].
at::Tensor of_group(const AssetGroup& group, const at::Tensor& heads) {
  return heads.defined() ? group.of_components(heads) : at::Tensor();
}

bool some_are_compressed(const ComponentLayout& layout, const DitConfig& config) {
  return config.attend_compressed &&
         std::any_of(layout.groups.begin(), layout.groups.end(), [&](const AssetGroup& group) {
           return group.components_per_asset > config.router.num_selected + 1;
         });
}

}  // namespace

at::Tensor dense_global_attention(nn::Attention& attention, const at::Tensor& tokens,
                                  const ComponentLayout& layout) {
  const auto heads = attention->project(tokens);
  std::vector<at::Tensor> outputs;
  for (const auto& group : layout.groups) {
    outputs.push_back(ops::attention_between(of_group(group, heads.query),
                                             of_group(group, heads.key),
                                             of_group(group, heads.value))
                          .flatten(0, 1));  // [assets * N, H, S, K]
  }
  return attention->project_output(at::cat(outputs));
}

at::Tensor moc_global_attention(nn::Attention& attention, ComponentRouter& router,
                                const at::Tensor& tokens, const ComponentLayout& layout,
                                const DitConfig& config,
                                const std::optional<at::Generator>& generator) {
  const auto [n, S, D] = shape<3>(tokens, "tokens [n, S, D]");
  const int64_t M = config.num_compressed_tokens;
  const int64_t num_vecset = S - M - 1;
  const auto full = attention->project(tokens.narrow(1, 0, num_vecset));
  nn::HeadTensors compressed;
  if (some_are_compressed(layout, config)) {
    compressed = attention->project_key_value(tokens.narrow(1, num_vecset, M));
  }
  const auto anchors = tokens.select(1, S - 1);  // [n, D]
  std::vector<at::Tensor> outputs;
  for (const auto& group : layout.groups) {
    ops::MocPlan plan;
    plan.routing = router->forward(group.of_components(anchors), generator);
    plan.gate_target = config.router.gate_target;
    plan.attend_compressed = config.attend_compressed;
    plan.gate_compressed = config.router.gate_compressed;
    outputs.push_back(ops::moc_attention(of_group(group, full.query), of_group(group, full.key),
                                         of_group(group, full.value),
                                         of_group(group, compressed.key),
                                         of_group(group, compressed.value), plan)
                          .flatten(0, 1));  // [assets * N, H, L, K]
  }
  return attention->project_output(at::cat(outputs));
}

}  // namespace moca::dit
