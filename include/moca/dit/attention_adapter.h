#pragma once

#include <torch/nn/module.h>

#include <functional>

#include "moca/dit/block_attention.h"

namespace moca::dit {

// Stands beside one attention of a block, with weights of its own, and changes what it gives: such
// as a trained copy of the frozen attention, mixed with it per token by a router,
//   out = P + sum_e scale_e * gate_e * (Q_e - P).
// An adapter that changes weights alone stands beside the linear layers (nn::WeightAdapter).
class AttentionAdapter : public torch::nn::Module {
 public:
  // What the block's attention, to its tokens or to a condition, gives with some weights:
  // [n, S', D], or [D] where there is no condition.
  using Attend = std::function<at::Tensor(AttentionModules weights)>;

  // tokens: [n, S, D], what the attention sees. prior: the block's own weights. Returns what the
  // block adds, [n, S', D].
  virtual at::Tensor forward(const at::Tensor& tokens, const AttentionModules& prior,
                             const Attend& attend, const BlockContext& context) = 0;
};

}  // namespace moca::dit
