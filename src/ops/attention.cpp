#include "moca/ops/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "attention_tensors.h"
#include "moca/core/shapes.h"
#include "tiled_attention.h"
#include "tiled_function.h"

namespace moca::ops {
namespace {

// Below this many scores of a head, LibTorch's attention is as fast.
constexpr int64_t kSmallestHead = int64_t{1} << 8;

// Everyone attends to all components of the asset.
AttentionPlan everyone(const at::Tensor& query, int64_t num_key_components) {
  AttentionPlan plan;
  plan.num_components = query.size(1);
  plan.num_heads = query.size(2);
  std::vector<Segment> all(num_key_components);
  for (int64_t j = 0; j < num_key_components; ++j) {
    all[j].component = j;
  }
  plan.segments.assign(query.size(0) * plan.num_components * plan.num_heads, all);
  return plan;
}

}  // namespace

at::Tensor attention_between(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& key_mask) {
  const auto [B, N, H, S, K] = shape<5>(query, "query [B, N, H, S, K]");
  const auto [B_key, N_key, H_key, T, K_key] = shape<5>(key, "key [B, N', H, T, K]");
  expect_shape(key, {B, -1, H, -1, K}, "key [B, N', H, T, K]");
  expect_shape(value, {B, N_key, H, T, K}, "value [B, N', H, T, K]");
  const auto q = in_autocast_type(query), k = in_autocast_type(key), v = in_autocast_type(value);
  if (!key_mask.defined() && S * N_key * T >= kSmallestHead && tiles_apply(q, k, v)) {
    return tiled_attention_recorded({q, {k, v}, {}}, at::Tensor(), everyone(q, N_key), false);
  }
  std::optional<at::Tensor> mask;
  if (key_mask.defined()) {
    expect_shape(key_mask, {B, N_key, T}, "key_mask [B, N', T]");
    mask = key_mask.view({B, 1, 1, N_key * T});
  }
  return library_attention_between(q, k, v, mask);
}

at::Tensor nested_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const std::vector<int64_t>& ends) {
  const auto [n, H, S, K] = shape<4>(query, "query [n, H, S, K]");
  expect_shape(key, {n, H, S, K}, "key [n, H, S, K]");
  expect_shape(value, {n, H, S, K}, "value [n, H, S, K]");
  TORCH_CHECK(std::ranges::is_sorted(ends) && !ends.empty() && ends.front() > 0 && ends.back() == S,
              "expected ascending ends of groups, the last at S = ", S, ", got ", ends);
  const auto q = in_autocast_type(query.unsqueeze(1)), k = in_autocast_type(key.unsqueeze(1)),
             v = in_autocast_type(value.unsqueeze(1));
  if (ends.front() * ends.front() >= kSmallestHead && tiles_apply(q, k, v)) {
    auto plan = everyone(q, 1);
    plan.ends = ends;
    return tiled_attention_recorded({q, {k, v}, {}}, at::Tensor(), std::move(plan), false)
        .squeeze(1);
  }
  std::vector<int64_t> sizes(ends);
  std::adjacent_difference(ends.begin(), ends.end(), sizes.begin());
  const auto queries = q.squeeze(1).split_with_sizes(sizes, 2);
  std::vector<at::Tensor> groups;  // [n, S, H, K], as they lie in memory
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto seen = [&](const at::Tensor& heads) {
      return ends[i] == ends.back() ? heads : heads.narrow(2, 0, ends[i]);
    };
    groups.push_back(attention(queries[i], seen(k.squeeze(1)), seen(v.squeeze(1))).transpose(1, 2));
  }
  return at::cat(groups, 1).transpose(1, 2);
}

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& key_mask) {
  return attention_between(query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1),
                           key_mask.defined() ? key_mask.unsqueeze(1) : key_mask)
      .squeeze(1);
}

}  // namespace moca::ops
