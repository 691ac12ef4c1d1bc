#pragma once

#include "local_attention.h"
#include "moca/dit/block_attention.h"

namespace moca::dit {

// Eq. 6-8: MoC attention of the vecset tokens between the components of each asset. The last M + 1
// tokens of a component are compressed tokens and anchor, which give keys, values and the routing;
// where they pass the block in full, they attend inside their component as in a local block.
class MocGlobalAttention : public BlockAttention {
 public:
  explicit MocGlobalAttention(const DitConfig& config)
      : config_(config), local_(config.width, config.num_added_tokens()) {}

  at::Tensor forward(AttentionModules modules, const at::Tensor& tokens,
                     const BlockContext& context) const override;
  int64_t num_updated(int64_t num_tokens) const override;
  double flops(int64_t num_components, int64_t num_tokens) const override;

 private:
  at::Tensor of_vecset(AttentionModules& modules, const at::Tensor& tokens,
                       const BlockContext& context) const;

  DitConfig config_;
  LocalAttention local_;
};

}  // namespace moca::dit
