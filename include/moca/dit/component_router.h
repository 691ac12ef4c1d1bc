#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>

#include "moca/dit/dit_config.h"
#include "moca/nn/linear.h"
#include "moca/ops/moc_attention.h"

namespace moca::dit {

// Eq. 4, 5: two linear projections of the anchors score how important every other component is to a
// component, for every head by itself, and name the k attended in full.
class ComponentRouterImpl : public torch::nn::Module {
 public:
  explicit ComponentRouterImpl(const DitConfig& config);

  // anchors: [B, N, D], normalised as the block's other tokens. In training the selection is
  // sampled with `generator`; without one (and at inference) it is the top k.
  ops::Routing forward(const at::Tensor& anchors, const std::optional<at::Generator>& generator);

  // Of the last call; without a tensor before the first. `statistics_of` reads it.
  const ops::Routing& last_routing() const { return last_routing_; }

 private:
  RouterConfig config_;
  int64_t num_heads_;
  nn::Linear to_q_{nullptr};
  nn::Linear to_k_{nullptr};
  ops::Routing last_routing_;
};
TORCH_MODULE(ComponentRouter);

}  // namespace moca::dit
