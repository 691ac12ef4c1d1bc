#include "component_packing.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"
#include "moca/ops/attention.h"

namespace moca::dit {

ComponentPackingImpl::ComponentPackingImpl(const DitConfig& config)
    : compression_queries_(register_parameter(
          "compression_queries", at::randn({config.num_compressed_tokens, config.width}))),
      anchor_query_(register_parameter("anchor_query", at::randn({1, config.width}))),
      attention_(register_module(
          "attention",
          nn::Attention(nn::AttentionSizes{
              .width = config.width, .num_heads = config.num_heads, .qk_norm = true}))) {}

at::Tensor ComponentPackingImpl::forward(const at::Tensor& vecset_tokens) {
  const auto [n, L, D] = shape<3>(vecset_tokens, "vecset_tokens [n, L, D]");
  const auto queries =
      at::cat({compression_queries_, anchor_query_}).unsqueeze(0);  // [1, M + 1, D]
  const auto query = attention_->project_query(queries).expand({n, -1, -1, -1});
  const auto context = attention_->project_context(vecset_tokens);
  return attention_->project_output(ops::attention(query, context.key, context.value));
}

}  // namespace moca::dit
