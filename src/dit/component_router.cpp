#include "moca/dit/component_router.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"
#include "moca/ops/float_product.h"

namespace moca::dit {

ComponentRouterImpl::ComponentRouterImpl(const DitConfig& config)
    : config_(config.router), num_heads_(config.num_heads) {
  const int64_t head_width = config.width / config.num_heads;
  const int64_t width_out = config_.per_head ? config.width : head_width;
  const auto linear = [&] { return nn::Linear(config.width, width_out, /*with_bias=*/false); };
  to_q_ = register_module("to_q", linear());
  to_k_ = register_module("to_k", linear());
}

ops::Routing ComponentRouterImpl::forward(const at::Tensor& anchors,
                                          const std::optional<at::Generator>& generator) {
  const auto [B, N, D] = shape<3>(anchors, "anchors [B, N, D]");
  const int64_t routed_heads = config_.per_head ? num_heads_ : 1;
  const auto heads = [&, batch = B, count = N](const at::Tensor& projected) {
    return projected.view({batch, count, routed_heads, -1});  // [B, N, H, K]
  };
  const ops::RoutingOptions options{
      .num_selected = config_.num_selected,
      .activation = config_.activation,
      .stochastic = config_.stochastic && is_training() && generator.has_value(),
      .sampling = config_.sampling};
  // In float: what is rounded to bf16 ties, and a tie is decided by the order of the components.
  const auto query = ops::float_product(anchors, to_q_->effective_weight());
  const auto key = ops::float_product(anchors, to_k_->effective_weight());
  auto routing = ops::route(heads(query), heads(key), options, generator);
  if (!config_.per_head) {  // Table 3F: one routing for all heads
    routing.importance = routing.importance.expand({B, N, num_heads_, -1});
    routing.selected = routing.selected.expand({B, N, num_heads_, -1});
    routing.rest = routing.rest.expand({B, N, num_heads_, -1});
  }
  last_routing_ = {routing.importance.detach(), routing.selected, routing.rest};
  return routing;
}

}  // namespace moca::dit
