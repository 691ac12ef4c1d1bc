#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <vector>

#include "moca/dit/block_attention.h"
#include "moca/dit/dit_config.h"
#include "moca/nn/attention.h"
#include "moca/nn/layers.h"
#include "moca/nn/linear.h"

namespace moca::dit {

// One block of the DiT, keys as in TripoSG: self-attention (norm1, attn1), attention to the
// conditions (norm2, attn2 for the first, attn_NAME for each further one), feed-forward (norm3,
// ff). A block is local or global; only attn1's reach differs. Blocks of the second half first
// merge a skip (skip_linear, skip_norm).
class DitBlockImpl : public torch::nn::Module {
 public:
  DitBlockImpl(const DitConfig& config, const ConditionKinds& conditions, int64_t index);

  // tokens: [n, S, D] ordered time, vecset, compressed, anchor. `skip` is undefined in the first
  // half.
  at::Tensor forward(const at::Tensor& tokens, const at::Tensor& skip, const BlockContext& context);

  bool takes_skip() const { return static_cast<bool>(skip_linear_); }

 private:
  at::Tensor condition_attention(const at::Tensor& tokens, const BlockContext& context);
  at::Tensor after_self_attention(const at::Tensor& tokens, const BlockContext& context);

  bool sees_conditions_;
  std::shared_ptr<const BlockAttention> self_attention_;
  AttentionModules attn1_;
  nn::LayerNorm norm1_{nullptr};
  nn::LayerNorm norm2_{nullptr};
  std::vector<nn::Attention> attn2_;  // one of every condition
  nn::LayerNorm norm3_{nullptr};
  nn::FeedForward feed_forward_{nullptr};
  nn::Linear skip_linear_{nullptr};
  nn::LayerNorm skip_norm_{nullptr};
};
TORCH_MODULE(DitBlock);

}  // namespace moca::dit
