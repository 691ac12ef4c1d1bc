#pragma once

#include "moca/dit/block_attention.h"

namespace moca::dit {

// PartCrafter's baseline: every token of an asset attends to every token of all its components.
class DenseGlobalAttention : public BlockAttention {
 public:
  explicit DenseGlobalAttention(int64_t width) : width_(width) {}

  at::Tensor forward(AttentionModules modules, const at::Tensor& tokens,
                     const BlockContext& context) const override;
  int64_t num_updated(int64_t num_tokens) const override { return num_tokens + 1; }
  double flops(int64_t num_components, int64_t num_tokens) const override;

 private:
  int64_t width_;
};

}  // namespace moca::dit
