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
  const auto heads = attention->project(tokens);
  if (num_added_ == 0) {
    return attention->project_output(ops::attention(heads.query, heads.key, heads.value));
  }
  // Nested key ranges instead of a mask: tokens [begin, end) attend to tokens [0, end).
  const auto attend_up_to = [&](int64_t begin, int64_t end) {
    return ops::attention(heads.query.narrow(2, begin, end - begin), heads.key.narrow(2, 0, end),
                          heads.value.narrow(2, 0, end));
  };
  const int64_t num_vecset = S - num_added_;
  return attention->project_output(at::cat(
      {attend_up_to(0, num_vecset), attend_up_to(num_vecset, S - 1), attend_up_to(S - 1, S)}, 2));
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
