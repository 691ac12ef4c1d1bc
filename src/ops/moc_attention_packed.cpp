#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "moc_backends.h"

namespace moca::ops {
namespace {

// Keys or values of the named components for every (asset, component, head): tokens [B, N, H, L, K]
// and indices [B, N, H, s] give [B, N, H, s * L, K], each component's tokens multiplied by its gate
// [B, N, H, s, 1, 1] where one is given.
at::Tensor gather(const at::Tensor& tokens, const at::Tensor& indices, const at::Tensor& gate) {
  const int64_t B = tokens.size(0), N = tokens.size(1), H = tokens.size(2);
  const int64_t L = tokens.size(3), K = tokens.size(4), count = indices.size(3);
  const auto options = indices.options();
  const auto asset = at::arange(B, options).reshape({B, 1, 1, 1});
  const auto head = at::arange(H, options).reshape({1, 1, H, 1});
  const auto rows = ((asset * N + indices) * H + head).reshape({-1});
  auto gathered = tokens.reshape({B * N * H, L * K}).index_select(0, rows);
  if (gate.defined()) {
    gathered = gathered.reshape({B, N, H, count, L, K}) * gate;
  }
  return gathered.reshape({B, N, H, count * L, K});
}

// Everyone attends everyone in full: the order of keys does not matter, so nothing is gathered, and
// what is not gated is shared by all components without a copy.
at::Tensor everyone_in_full(const MocInput& input, const MocPlan& plan, const MocSizes& sizes) {
  const int64_t B = sizes.B, N = sizes.N, H = sizes.H, L = sizes.L, K = sizes.K;
  const auto by_head = [&](const at::Tensor& tokens) { return tokens.transpose(1, 2); };
  if (plan.gate_target == GateTarget::kNone || N == 1) {
    const auto all = [&](const at::Tensor& tokens) {
      return by_head(tokens).reshape({B, H, N * L, K});
    };
    return at::scaled_dot_product_attention(all(input.query), all(input.key), all(input.value))
        .reshape({B, H, N, L, K})
        .transpose(1, 2);
  }
  const auto own = at::eye(N, input.key.options().dtype(at::kBool)).reshape({1, N, 1, N});
  const auto gates = plan.routing.importance.to(input.key.scalar_type())
                         .masked_fill(own, 1.0)
                         .reshape({B, N, H, N, 1, 1});
  const auto for_everyone = [&](const at::Tensor& tokens, GateTarget target) {
    const auto shared = by_head(tokens).unsqueeze(1);  // [B, 1, H, N, L, K]
    if (plan.gate_target == target) {
      return (shared * gates).reshape({B * N, H, N * L, K});
    }
    return shared.expand({B, N, H, N, L, K}).reshape({B * N, H, N * L, K});
  };
  return at::scaled_dot_product_attention(input.query.reshape({B * N, H, L, K}),
                                          for_everyone(input.key, GateTarget::kKey),
                                          for_everyone(input.value, GateTarget::kValue))
      .reshape({B, N, H, L, K});
}

}  // namespace

at::Tensor moc_attention_packed(const MocInput& input, const MocPlan& plan, const MocSizes& sizes) {
  if (sizes.num_rest == 0) {
    return everyone_in_full(input, plan, sizes);
  }
  const int64_t B = sizes.B, N = sizes.N, H = sizes.H, L = sizes.L, K = sizes.K;
  const auto gates = plan.routing.importance.to(input.key.scalar_type());
  const auto gate_of = [&](const at::Tensor& indices, bool wanted) {
    return wanted ? gates.gather(3, indices).reshape({B, N, H, -1, 1, 1}) : at::Tensor();
  };
  const auto pack = [&](const at::Tensor& full, const at::Tensor& compressed, GateTarget target) {
    const bool gated = plan.gate_target == target;
    std::vector<at::Tensor> parts = {full};
    const auto& selected = plan.routing.selected;
    if (sizes.num_selected > 0) {
      parts.push_back(gather(full, selected, gate_of(selected, gated)));
    }
    if (sizes.M > 0) {
      parts.push_back(gather(compressed, plan.routing.rest, gate_of(plan.routing.rest, gated)));
    }
    return at::cat(parts, 3).reshape({B * N, H, -1, K});
  };
  const auto packed_key = pack(input.key, input.compressed_key, GateTarget::kKey);
  const auto packed_value = pack(input.value, input.compressed_value, GateTarget::kValue);
  return at::scaled_dot_product_attention(input.query.reshape({B * N, H, L, K}), packed_key,
                                          packed_value)
      .reshape({B, N, H, L, K});
}

}  // namespace moca::ops
