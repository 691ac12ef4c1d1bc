#include "local_attention.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"
#include "moca/nn/flops.h"
#include "moca/ops/attention.h"

namespace moca::dit {

at::Tensor LocalAttention::forward(AttentionModules modules, const at::Tensor& tokens,
                                   const BlockContext&) const {
  const auto [n, S, D] = shape<3>(tokens, "tokens [n, S, D]");
  auto& attention = modules.attention;
  const auto [query, key, value] = attention->project(tokens);
  if (num_added_ == 0) {
    return attention->project_output(ops::attention(query, key, value));
  }
  // The vecset does not see the compressed tokens, and neither sees the anchor.
  return attention->project_output(
      ops::nested_attention(query, key, value, {S - num_added_, S - 1, S}));
}

double LocalAttention::flops(int64_t num_components, int64_t num_tokens) const {
  const double D = width_, vecset = num_tokens + 1, all = num_updated(num_tokens);
  double flops = nn::linear_flops(all, D, 4 * D) + nn::attention_flops(vecset, vecset, D);
  if (num_added_ > 0) {
    flops += nn::attention_flops(all - vecset - 1, all - 1, D) + nn::attention_flops(1, all, D);
  }
  return static_cast<double>(num_components) * flops;
}

}  // namespace moca::dit
