#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "moca/dit/dit_config.h"
#include "moca/nn/attention.h"

namespace moca::dit {

// Eq. 3: learnable queries, the same for every component, attend to a component's vecset tokens and
// give its M compressed tokens and its anchor token.
class ComponentPackingImpl : public torch::nn::Module {
 public:
  explicit ComponentPackingImpl(const DitConfig& config);

  // vecset_tokens: [n, L, D] of noisy latents after proj_in. Returns [n, M + 1, D], the anchor
  // last.
  at::Tensor forward(const at::Tensor& vecset_tokens);

 private:
  at::Tensor compression_queries_;  // [M, D]
  at::Tensor anchor_query_;         // [1, D]
  nn::Attention attention_{nullptr};
};
TORCH_MODULE(ComponentPacking);

}  // namespace moca::dit
