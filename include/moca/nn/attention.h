#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "moca/nn/layers.h"
#include "moca/nn/linear.h"

namespace moca::nn {

struct HeadTensors {
  at::Tensor query;  // [n, H, S, K]
  at::Tensor key;    // [n, H, S, K]
  at::Tensor value;  // [n, H, S, K]
};

struct AttentionSizes {
  int64_t width = 0;  // D of the queries and of the output
  int64_t context_width =
      0;                  // width of what keys and values are made from; 0: the queries' own tokens
  int64_t num_heads = 0;  // H
  bool qk_norm = false;   // RMS norm of queries and keys per head (DiT yes, VAE no)
  bool normed_context = false;  // LayerNorm of the context (VAE's cross-attention)
};

// What parts * D projected channels [n, S, parts * D] hold for each head, heads first: [n, H, S, K]
// of every part.
std::vector<at::Tensor> split_heads(const at::Tensor& projected, int64_t num_heads, int64_t parts);

// The projections of multi-head attention with the keys of TripoSG's checkpoints: to_q, to_k, to_v
// without bias, to_out.0 with bias, norm_q, norm_k, norm_cross. The stored matrices were split
// heads first: the rows of [to_q; to_k; to_v] (of [to_k; to_v] in cross-attention) stacked are read
// as [H, 3, K] ([H, 2, K]), so a head's query may hold rows of to_k. A conventional split gives
// other numbers.
class AttentionImpl : public torch::nn::Module {
 public:
  explicit AttentionImpl(const AttentionSizes& sizes);

  // Self-attention's three projections of tokens [n, S, D].
  HeadTensors project(const at::Tensor& tokens);
  // The same tokens as keys and values only, for tokens that issue no query; `query` is undefined.
  HeadTensors project_key_value(const at::Tensor& tokens);
  // Cross-attention: queries [n, H, S, K] from tokens [n, S, D] ...
  at::Tensor project_query(const at::Tensor& tokens);
  // ... keys and values from context [n, T, context_width].
  HeadTensors project_context(const at::Tensor& context);
  // Joins the heads of [n, H, S, K] and projects to [n, S, D].
  at::Tensor project_output(const at::Tensor& heads);
  // What attention over an all-zero context gives: keys and values have no bias, so only to_out's.
  at::Tensor output_bias() const;

 private:
  at::Tensor self_weight() const;  // [3D, D], the rows of to_q, to_k, to_v
  // Of tokens [n, S, width] by a weight [2D, width].
  HeadTensors key_value(const at::Tensor& tokens, const at::Tensor& weight);

  AttentionSizes sizes_;
  Linear to_q_{nullptr};
  Linear to_k_{nullptr};
  Linear to_v_{nullptr};
  Linear to_out_{nullptr};
  RmsNorm norm_q_{nullptr};
  RmsNorm norm_k_{nullptr};
  LayerNorm norm_cross_{nullptr};
};
TORCH_MODULE(Attention);

}  // namespace moca::nn
