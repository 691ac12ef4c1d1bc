#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>

#include "moca/dit/component_layout.h"
#include "moca/dit/component_router.h"
#include "moca/dit/dit_config.h"
#include "moca/nn/attention.h"
#include "moca/nn/layers.h"
#include "moca/nn/linear.h"

namespace moca::dit {

// What all blocks of one forward pass share.
struct BlockContext {
  std::shared_ptr<const ComponentLayout> layout;
  // [B', T, D_image] in packed asset order, or [n, T, D_image] of every component; undefined: the
  // null condition
  at::Tensor image_tokens;
  std::optional<at::Generator> generator;  // draws the stochastic routing in training
};

// One block of the DiT, keys as in TripoSG: self-attention (norm1, attn1), attention to the picture
// (norm2, attn2), feed-forward (norm3, ff). A block is local or global; only attn1's reach differs.
// Blocks of the second half first merge a skip (skip_linear, skip_norm).
class DitBlockImpl : public torch::nn::Module {
 public:
  DitBlockImpl(const DitConfig& config, int64_t image_width, int64_t index);

  // tokens: [n, S, D] ordered time, vecset, compressed, anchor. `skip` is undefined in the first
  // half.
  at::Tensor forward(const at::Tensor& tokens, const at::Tensor& skip, const BlockContext& context);

  bool takes_skip() const { return static_cast<bool>(skip_linear_); }

 private:
  at::Tensor self_attention(const at::Tensor& tokens, const BlockContext& context);
  at::Tensor image_attention(const at::Tensor& tokens, const BlockContext& context);
  at::Tensor after_self_attention(const at::Tensor& tokens, const BlockContext& context);

  DitConfig config_;
  bool global_;
  int64_t num_added_;  // M + 1 compressed and anchor tokens, 0 in the dense baseline
  nn::LayerNorm norm1_{nullptr};
  nn::Attention attn1_{nullptr};
  nn::LayerNorm norm2_{nullptr};
  nn::Attention attn2_{nullptr};
  nn::LayerNorm norm3_{nullptr};
  nn::FeedForward feed_forward_{nullptr};
  ComponentRouter router_{nullptr};
  nn::Linear skip_linear_{nullptr};
  nn::LayerNorm skip_norm_{nullptr};
};
TORCH_MODULE(DitBlock);

}  // namespace moca::dit
