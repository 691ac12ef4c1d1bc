#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace moca::ops {

// What the router's importance multiplies (Eq. 7; Table 3C). On keys it scales the logits.
enum class GateTarget { kKey, kValue, kNone };
// What turns router logits into importance (Eq. 4; Table 3D).
enum class RouterActivation { kSigmoid, kSoftmax };
// What stochastic routing samples in proportion to (Sec. 3.3.1, "normalizing the importance
// logits"): the importance, or the softmax of the logits.
enum class RouterSampling { kImportance, kLogits };

constexpr auto enum_names(GateTarget) {
  return std::array{std::pair{"key", GateTarget::kKey}, std::pair{"value", GateTarget::kValue},
                    std::pair{"none", GateTarget::kNone}};
}
constexpr auto enum_names(RouterActivation) {
  return std::array{std::pair{"sigmoid", RouterActivation::kSigmoid},
                    std::pair{"softmax", RouterActivation::kSoftmax}};
}

constexpr auto enum_names(RouterSampling) {
  return std::array{std::pair{"importance", RouterSampling::kImportance},
                    std::pair{"logits", RouterSampling::kLogits}};
}

struct RoutingOptions {
  int64_t num_selected = 4;  // k
  RouterActivation activation = RouterActivation::kSigmoid;
  bool stochastic = false;  // sample k others (Sec. 3.3.1), else take the top k
  RouterSampling sampling = RouterSampling::kImportance;
};

// Who attends to whom. For component i, head h: `selected` others are attended in full, `rest`
// through their compressed tokens (Eq. 5). All assets have the same number of components N.
struct Routing {
  at::Tensor importance;  // [B, N, H, N] in (0, 1): of component j for the queries of component i
  at::Tensor
      selected;     // [B, N, H, k] component indices, none of them i; k = min(num_selected, N - 1)
  at::Tensor rest;  // [B, N, H, N - 1 - k] the remaining others, ascending
};

// Scores every ordered pair from the routers' projections of the anchors (Eq. 4) and selects.
// anchor_query, anchor_key: [B, N, H, K]. `generator` (CPU) draws the sample when stochastic.
Routing route(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
              const RoutingOptions& options, const std::optional<at::Generator>& generator);

// What `route` does, in parts. `router_scores` and `ranking` are LibTorch's operators alone, which
// torch.compile traces.

// What every component is to every other, [B, N, H, N]. The logits are what is ranked: two
// importances near 1 may be the same float where their logits are not.
struct RouterScores {
  at::Tensor logits, importance;
};
// Eq. 4. anchor_query, anchor_key: [B, N, H, K].
RouterScores router_scores(const at::Tensor& anchor_query, const at::Tensor& anchor_key,
                           RouterActivation activation);
// What components are ranked by, [B, N, H, N]: the logits, or, where stochastic, the logarithm of
// importance (or the logits) plus Gumbel noise, whose top k is a sample without replacement in
// proportion to importance (or to the softmax of the logits; Gumbel top-k, Kool et al. 2019). The
// logarithm of a softmax is the logits but for a constant of the row. uniform: [B, N, H, N], from
// [0, 1), on the host or with the logits; what the noise is made of.
at::Tensor ranking(const RouterScores& scores, const RoutingOptions& options,
                   const at::Tensor& uniform);
struct Selection {
  at::Tensor selected, rest;  // as in Routing
};
// The first of every row of ranking [B, N, H, N] but its own component.
Selection select_components(const at::Tensor& ranking, int64_t num_selected);

// How it is computed: by device and type; as the loops of its definition; with what is attended to
// packed for LibTorch's own attention (once more in the backward pass, instead of being kept); in
// blocks that stay in a CPU's caches.
enum class MocBackend { kAuto, kDefinition, kPacked, kTiled };

struct MocPlan {
  Routing routing;
  GateTarget gate_target = GateTarget::kKey;
  bool attend_compressed = true;  // Table 3B: without, the rest is not attended at all
  bool gate_compressed = true;    // without, the rest's compressed tokens have the gate 1
  MocBackend backend = MocBackend::kAuto;
  // The packed backend attends to as many heads at a time as it has bytes for their keys and
  // values.
  int64_t packed_bytes = int64_t{4} << 30;
};

// Mixture-of-components attention (Eq. 6-8): the queries of component i attend, per head, to their
// own tokens (gate 1), to all tokens of the selected components and to the compressed tokens of the
// rest, the keys (or values) of component j gated by importance[i, j].
// query, key, value: [B, N, H, L, K]; compressed_key, compressed_value: [B, N, H, M, K], may be
// undefined when no component is left to the rest. Returns [B, N, H, L, K].
at::Tensor moc_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                         const at::Tensor& compressed_key, const at::Tensor& compressed_value,
                         const MocPlan& plan);

}  // namespace moca::ops
