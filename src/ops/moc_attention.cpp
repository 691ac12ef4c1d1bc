#include "moca/ops/moc_attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "moca/core/shapes.h"

namespace moca::ops {
namespace {

struct Sizes {
  int64_t B, N, H, L, K, M, num_selected, num_rest;
};

Sizes check(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
            const at::Tensor& compressed_key, const at::Tensor& compressed_value,
            const MocPlan& plan) {
  const auto [B, N, H, L, K] = shape<5>(query, "query [B, N, H, L, K]");
  expect_shape(key, {B, N, H, L, K}, "key [B, N, H, L, K]");
  expect_shape(value, {B, N, H, L, K}, "value [B, N, H, L, K]");
  expect_shape(plan.routing.importance, {B, N, H, N}, "importance [B, N, H, N]");
  expect_shape(plan.routing.selected, {B, N, H, -1}, "selected [B, N, H, k]");
  const int64_t num_selected = plan.routing.selected.size(3);
  const int64_t num_rest = N - 1 - num_selected;
  TORCH_CHECK(num_rest >= 0, "selected names ", num_selected, " of ", N - 1, " other components");
  expect_shape(plan.routing.rest, {B, N, H, num_rest}, "rest [B, N, H, N - 1 - k]");
  int64_t M = 0;
  if (num_rest > 0 && plan.attend_compressed) {
    M = shape<5>(compressed_key, "compressed_key [B, N, H, M, K]")[3];
    expect_shape(compressed_key, {B, N, H, M, K}, "compressed_key [B, N, H, M, K]");
    expect_shape(compressed_value, {B, N, H, M, K}, "compressed_value [B, N, H, M, K]");
  }
  return {B, N, H, L, K, M, num_selected, num_rest};
}

// Eq. 6-8 read aloud, one component and head at a time; any type, the meaning of every other
// backend.
at::Tensor moc_attention_definition(const at::Tensor& query, const at::Tensor& key,
                                    const at::Tensor& value, const at::Tensor& compressed_key,
                                    const at::Tensor& compressed_value, const MocPlan& plan,
                                    const Sizes& sizes) {
  std::vector<at::Tensor> outputs;
  const auto selected = plan.routing.selected.cpu();
  const auto rest = plan.routing.rest.cpu();
  const bool gate_keys = plan.gate_target == GateTarget::kKey;
  const bool gate_values = plan.gate_target == GateTarget::kValue;
  for (int64_t b = 0; b < sizes.B; ++b) {
    for (int64_t i = 0; i < sizes.N; ++i) {
      for (int64_t h = 0; h < sizes.H; ++h) {
        std::vector<at::Tensor> keys = {key[b][i][h]};  // own tokens, gate 1
        std::vector<at::Tensor> values = {value[b][i][h]};
        const auto gates = plan.routing.importance[b][i][h].to(key.scalar_type());
        const auto attend = [&](int64_t j, const at::Tensor& from_key,
                                const at::Tensor& from_value) {
          const auto k = from_key[b][j][h];
          const auto v = from_value[b][j][h];
          keys.push_back(gate_keys ? k * gates[j] : k);
          values.push_back(gate_values ? v * gates[j] : v);
        };
        for (int64_t s = 0; s < sizes.num_selected; ++s) {
          attend(selected[b][i][h][s].item<int64_t>(), key, value);
        }
        for (int64_t s = 0; s < sizes.num_rest && sizes.M > 0; ++s) {
          attend(rest[b][i][h][s].item<int64_t>(), compressed_key, compressed_value);
        }
        const auto logits =
            at::matmul(query[b][i][h], at::cat(keys).t()) / std::sqrt(static_cast<double>(sizes.K));
        outputs.push_back(at::matmul(at::softmax(logits, -1), at::cat(values)));
      }
    }
  }
  return at::stack(outputs).reshape({sizes.B, sizes.N, sizes.H, sizes.L, sizes.K});
}

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

// Packs what each (component, head) attends to into K' and V' and calls LibTorch's own attention.
at::Tensor moc_attention_packed(const at::Tensor& query, const at::Tensor& key,
                                const at::Tensor& value, const at::Tensor& compressed_key,
                                const at::Tensor& compressed_value, const MocPlan& plan,
                                const Sizes& sizes) {
  const int64_t B = sizes.B, N = sizes.N, H = sizes.H, L = sizes.L, K = sizes.K;
  const auto gates = plan.routing.importance.to(key.scalar_type());
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
  const auto packed_key = pack(key, compressed_key, GateTarget::kKey);
  const auto packed_value = pack(value, compressed_value, GateTarget::kValue);
  return at::scaled_dot_product_attention(query.reshape({B * N, H, L, K}), packed_key, packed_value)
      .reshape({B, N, H, L, K});
}

// Everyone attends everyone in full: the order of keys does not matter, so nothing is gathered, and
// what is not gated is shared by all components without a copy.
at::Tensor moc_attention_all_selected(const at::Tensor& query, const at::Tensor& key,
                                      const at::Tensor& value, const MocPlan& plan,
                                      const Sizes& sizes) {
  const int64_t B = sizes.B, N = sizes.N, H = sizes.H, L = sizes.L, K = sizes.K;
  const auto by_head = [&](const at::Tensor& tokens) { return tokens.transpose(1, 2); };
  if (plan.gate_target == GateTarget::kNone || N == 1) {
    const auto all = [&](const at::Tensor& tokens) {
      return by_head(tokens).reshape({B, H, N * L, K});
    };
    return at::scaled_dot_product_attention(all(query), all(key), all(value))
        .reshape({B, H, N, L, K})
        .transpose(1, 2);
  }
  const auto own = at::eye(N, key.options().dtype(at::kBool)).reshape({1, N, 1, N});
  const auto gates = plan.routing.importance.to(key.scalar_type())
                         .masked_fill(own, 1.0)
                         .reshape({B, N, H, N, 1, 1});
  const auto for_everyone = [&](const at::Tensor& tokens, GateTarget target) {
    const auto shared = by_head(tokens).unsqueeze(1);  // [B, 1, H, N, L, K]
    if (plan.gate_target == target) {
      return (shared * gates).reshape({B * N, H, N * L, K});
    }
    return shared.expand({B, N, H, N, L, K}).reshape({B * N, H, N * L, K});
  };
  return at::scaled_dot_product_attention(query.reshape({B * N, H, L, K}),
                                          for_everyone(key, GateTarget::kKey),
                                          for_everyone(value, GateTarget::kValue))
      .reshape({B, N, H, L, K});
}

}  // namespace

at::Tensor moc_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                         const at::Tensor& compressed_key, const at::Tensor& compressed_value,
                         const MocPlan& plan) {
  const auto sizes = check(query, key, value, compressed_key, compressed_value, plan);
  if (plan.backend == MocBackend::kDefinition) {
    return moc_attention_definition(query, key, value, compressed_key, compressed_value, plan,
                                    sizes);
  }
  if (plan.backend == MocBackend::kAuto && sizes.num_rest == 0) {
    return moc_attention_all_selected(query, key, value, plan, sizes);
  }
  return moc_attention_packed(query, key, value, compressed_key, compressed_value, plan, sizes);
}

}  // namespace moca::ops
