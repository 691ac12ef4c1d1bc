#include "moca/dit/condition.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"
#include "moca/dit/component_layout.h"

namespace moca::dit {
namespace {

// kept [B] as [B, 1, ...], for tensors of as many axes as `like`.
at::Tensor per_asset(const at::Tensor& kept, const at::Tensor& like) {
  std::vector<int64_t> sizes(like.dim(), 1);
  sizes[0] = kept.size(0);
  return kept.view(sizes);
}

// Tokens or their mask in packed order.
at::Tensor packed_rows(const at::Tensor& rows, ConditionScope scope,
                       const ComponentLayout& layout) {
  switch (scope) {
    case ConditionScope::kComponent:
      return layout.pack(rows);
    case ConditionScope::kFrame:
      return rows.flatten(1, 2).index_select(0, layout.asset_order);
    case ConditionScope::kAsset:
      break;
  }
  return rows.index_select(0, layout.asset_order);
}

}  // namespace

Condition null_of(const Condition& condition) {
  Condition null = condition;
  null.tokens = condition.null_token.defined()
                    ? condition.null_token.to(condition.tokens).expand_as(condition.tokens)
                    : at::Tensor();
  return null;
}

Condition dropped(const Condition& condition, const at::Tensor& kept) {
  Condition result = condition;
  const auto keeps = per_asset(kept, condition.tokens);
  result.tokens = condition.null_token.defined()
                      ? at::where(keeps, condition.tokens, null_of(condition).tokens)
                      : condition.tokens * keeps;
  return result;
}

PackedCondition packed(const Condition& condition, const ComponentLayout& layout,
                       at::ScalarType type) {
  const auto& [name, scope, tokens, token_mask, null_token] = condition;
  PackedCondition result;
  result.of_components = scope == ConditionScope::kComponent;
  if (!tokens.defined()) {
    return result;
  }
  const int64_t B = layout.num_assets;
  if (scope == ConditionScope::kAsset) {
    expect_shape(tokens, {B, -1, -1}, "condition tokens [B, T, D_c]");
  } else if (scope == ConditionScope::kFrame) {
    expect_shape(tokens, {B, -1, -1, -1}, "condition tokens [B, U, T, D_c]");
  } else {
    expect_shape(tokens, {B, layout.max_components, -1, -1}, "condition tokens [B, N, T, D_c]");
  }
  result.tokens = packed_rows(tokens, scope, layout).to(type);
  if (token_mask.defined()) {
    TORCH_CHECK(token_mask.sizes() == tokens.sizes().slice(0, tokens.dim() - 1),
                "expected the mask of condition tokens ", tokens.sizes(), ", got ",
                token_mask.sizes());
    result.token_mask = packed_rows(token_mask, scope, layout);
  }
  return result;
}

}  // namespace moca::dit
