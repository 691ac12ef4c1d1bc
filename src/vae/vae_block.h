#pragma once

#include <torch/nn/module.h>

#include "moca/nn/attention.h"
#include "moca/nn/layers.h"

namespace moca::vae {

// One block of the VAE: attention and a feed-forward layer, each behind a LayerNorm and added to
// its input. A self block attends over its own tokens (keys norm1, attn1), a cross block over a
// context (norm2, attn2 with norm_cross). No norm of queries and keys.
class VaeBlockImpl : public torch::nn::Module {
 public:
  enum class Kind { kSelf, kCross };
  VaeBlockImpl(Kind kind, int64_t width, int64_t num_heads);

  // tokens: [n, S, D]; context: of a cross block, keys and values from `project_context`.
  at::Tensor forward(const at::Tensor& tokens, const nn::HeadTensors& context = {});
  nn::HeadTensors project_context(const at::Tensor& context);

 private:
  nn::LayerNorm norm_attention_{nullptr};
  nn::Attention attention_{nullptr};
  nn::LayerNorm norm3_{nullptr};
  nn::FeedForward feed_forward_{nullptr};
};

}  // namespace moca::vae
