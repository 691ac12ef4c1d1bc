#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace moca::ops {

// Tokens of components as keys and values, of one size each: [B, N, H, T, K].
struct KeyValue {
  at::Tensor key, value;
};

// What attention between components is computed from.
struct AttentionInput {
  at::Tensor query;     // [B, N, H, S, K]; its components need not be those of the keys
  KeyValue full;        // [B, N', H, T, K]
  KeyValue compressed;  // [B, N', H, M, K] or undefined

  // What `function` makes of each tensor.
  template <class Function>
  AttentionInput transformed(const Function& function) const {
    return {function(query),
            {function(full.key), function(full.value)},
            {function(compressed.key), function(compressed.value)}};
  }
};

// An empty tensor of the shape of heads [B, N, H, S, K], laid out as [B, N, S, H, K], as the
// projections that made them; undefined for an undefined one.
inline at::Tensor like_tokens(const at::Tensor& heads) {
  return heads.defined()
             ? at::empty_like(heads.transpose(2, 3), at::MemoryFormat::Contiguous).transpose(2, 3)
             : at::Tensor();
}

// Everyone attends to all tokens of the asset by LibTorch's attention: query [B, N, H, S, K], key
// and value [B, N', H, T, K].
inline at::Tensor library_attention_between(const at::Tensor& query, const at::Tensor& key,
                                            const at::Tensor& value,
                                            const std::optional<at::Tensor>& mask = {}) {
  const auto joined = [](const at::Tensor& heads) { return heads.transpose(1, 2).flatten(2, 3); };
  return at::scaled_dot_product_attention(joined(query), joined(key), joined(value), mask)
      .unflatten(2, {query.size(1), query.size(3)})
      .transpose(1, 2);
}

}  // namespace moca::ops
