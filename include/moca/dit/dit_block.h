#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <string>
#include <vector>

#include "moca/dit/attention_adapter.h"
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

  // From now on the adapter gives what self-attention gave, or what the attention to the condition
  // of this place gave. Registered as adapter1, or as adapter2 (further conditions: adapter2_NAME).
  void adapt_self_attention(std::shared_ptr<AttentionAdapter> adapter);
  void adapt_condition_attention(size_t condition, std::shared_ptr<AttentionAdapter> adapter);
  // The weights that an adapter may copy.
  const AttentionModules& self_attention() const { return attn1_; }
  nn::Attention condition_attention(size_t condition) const { return attn2_.at(condition).weights; }

 private:
  // The attention to one condition, by name.
  struct ConditionAttention {
    std::string name;
    nn::Attention weights{nullptr};
    std::shared_ptr<AttentionAdapter> adapter;
  };

  at::Tensor attend_to_tokens(const at::Tensor& tokens, const BlockContext& context);
  at::Tensor attend_to_conditions(const at::Tensor& tokens, const BlockContext& context);

  bool sees_conditions_;
  std::shared_ptr<const BlockAttention> block_attention_;
  std::shared_ptr<AttentionAdapter> adapter1_;
  AttentionModules attn1_;
  nn::LayerNorm norm1_{nullptr};
  nn::LayerNorm norm2_{nullptr};
  std::vector<ConditionAttention> attn2_;
  nn::LayerNorm norm3_{nullptr};
  nn::FeedForward feed_forward_{nullptr};
  nn::Linear skip_linear_{nullptr};
  nn::LayerNorm skip_norm_{nullptr};
};
TORCH_MODULE(DitBlock);

}  // namespace moca::dit
