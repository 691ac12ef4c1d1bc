#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "moc_backends.h"

namespace moca::ops {

at::Tensor moc_attention_definition(const AttentionInput& input, const MocPlan& plan,
                                    const MocSizes& sizes) {
  std::vector<at::Tensor> outputs;
  const auto selected = plan.routing.selected.cpu();
  const auto rest = plan.routing.rest.cpu();
  const bool gate_keys = plan.gate_target == GateTarget::kKey;
  const bool gate_values = plan.gate_target == GateTarget::kValue;
  for (int64_t b = 0; b < sizes.B; ++b) {
    for (int64_t i = 0; i < sizes.N; ++i) {
      for (int64_t h = 0; h < sizes.H; ++h) {
        std::vector<at::Tensor> keys = {input.full.key[b][i][h]};  // own tokens, gate 1
        std::vector<at::Tensor> values = {input.full.value[b][i][h]};
        const auto gates = plan.routing.importance[b][i][h].to(input.full.key.scalar_type());
        const auto attend = [&](int64_t j, const at::Tensor& from_key, const at::Tensor& from_value,
                                bool gated) {
          const auto k = from_key[b][j][h];
          const auto v = from_value[b][j][h];
          keys.push_back(gated && gate_keys ? k * gates[j] : k);
          values.push_back(gated && gate_values ? v * gates[j] : v);
        };
        for (int64_t s = 0; s < sizes.num_selected; ++s) {
          attend(selected[b][i][h][s].item<int64_t>(), input.full.key, input.full.value, true);
        }
        for (int64_t s = 0; s < sizes.num_rest && sizes.M > 0; ++s) {
          attend(rest[b][i][h][s].item<int64_t>(), input.compressed.key, input.compressed.value,
                 plan.gate_compressed);
        }
        const auto logits = at::matmul(input.query[b][i][h], at::cat(keys).t()) /
                            std::sqrt(static_cast<double>(sizes.K));
        outputs.push_back(at::matmul(at::softmax(logits, -1), at::cat(values)));
      }
    }
  }
  return at::stack(outputs).reshape({sizes.B, sizes.N, sizes.H, sizes.L, sizes.K});
}

}  // namespace moca::ops
