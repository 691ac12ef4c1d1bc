#pragma once

#include "moca/dit/block_attention.h"

namespace moca::dit {

// Sec. 3.2.2: attention inside a component, partly blocked. Vecset tokens (with the time token)
// attend to themselves only, so the prior they come from never sees the added tokens; compressed
// tokens attend to vecset and compressed tokens, the anchor to all.
class LocalAttention : public BlockAttention {
 public:
  // num_added: the M + 1 compressed and anchor tokens at the end of a component, 0 for none.
  LocalAttention(int64_t width, int64_t num_added) : width_(width), num_added_(num_added) {}

  at::Tensor forward(AttentionModules modules, const at::Tensor& tokens,
                     const BlockContext& context) const override;
  int64_t num_updated(int64_t num_tokens) const override { return num_tokens + 1 + num_added_; }
  double flops(int64_t num_components, int64_t num_tokens) const override;

 private:
  int64_t width_;
  int64_t num_added_;
};

}  // namespace moca::dit
