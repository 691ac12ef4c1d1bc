#pragma once

#include <cstdint>
#include <vector>

#include "attention_tensors.h"

// Attention on a CPU in blocks that stay in its caches: an online softmax over keys and values that
// are read where they are, whoever attends to them. It knows nothing of routing; it is told for
// every (asset, component, head) which runs of tokens are attended to and how they are gated.
namespace moca::ops {

// All tokens of one component, seen by the queries of another.
struct Segment {
  bool compressed = false;  // which of the two sets of keys
  int64_t component = 0;
  bool gated = false;       // whether the gates are importances and have a gradient
  double key_gate = 1.0;    // multiplies the logits
  double value_gate = 1.0;  // multiplies the values
};

// For every (asset b, component i, head h) in this order what its queries attend to.
struct AttentionPlan {
  int64_t num_components = 1;  // of the queries
  int64_t num_heads = 1;
  std::vector<std::vector<Segment>> segments;  // [B * N * H]
  // Where groups of the queries end, ascending, the last at S: the queries of a group see only as
  // many tokens of every segment. Empty: all queries see all tokens.
  std::vector<int64_t> ends = {};
};

struct TiledOutput {
  at::Tensor output;       // [B, N, H, S, K], laid out as [B, N, S, H, K]
  at::Tensor log_sum_exp;  // [B, N, H, S] float (double for double): of the scaled, gated logits
};

struct TiledGradients : AttentionInput {
  std::vector<double> key_gates;    // one for every segment of the plan, in order
  std::vector<double> value_gates;  // likewise
};

// Whether tensors of this kind can be attended to this way: on a CPU, of one type of float, double
// or (where the processor multiplies it) bf16, with an even head width.
bool tiles_apply(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);

// Scale 1 / sqrt(K). Without `for_backward` no log_sum_exp is given.
TiledOutput tiled_attention(const AttentionInput& input, const AttentionPlan& plan,
                            bool for_backward);
TiledGradients tiled_attention_backward(const AttentionInput& input, const AttentionPlan& plan,
                                        const TiledOutput& output,
                                        const at::Tensor& output_gradient);

}  // namespace moca::ops
