#include <ATen/ATen.h>

#include "moc_backends.h"
#include "tiled_attention.h"
#include "tiled_function.h"

namespace moca::ops {
namespace {

// Who is attended to (Eq. 6) and how each is gated (Eq. 7).
AttentionPlan read_plan(const MocPlan& plan, const MocSizes& sizes) {
  const auto importance = plan.routing.importance.detach().to(at::kDouble).contiguous();
  const auto& selected = plan.routing.selected;
  const auto& rest = plan.routing.rest;
  AttentionPlan result;
  result.num_components = sizes.N;
  result.num_heads = sizes.H;
  result.segments.resize(sizes.B * sizes.N * sizes.H);
  for (int64_t row = 0; row < sizes.B * sizes.N * sizes.H; ++row) {
    const double* const gates = importance.const_data_ptr<double>() + row * sizes.N;
    auto& segments = result.segments[row];
    const auto attend = [&](int64_t j, bool compressed) {
      const bool gated =
          plan.gate_target != GateTarget::kNone && (!compressed || plan.gate_compressed);
      Segment segment{compressed, j, gated};
      if (gated && plan.gate_target == GateTarget::kKey) {
        segment.key_gate = gates[j];
      } else if (gated) {
        segment.value_gate = gates[j];
      }
      segments.push_back(segment);
    };
    segments.push_back({false, row / sizes.H % sizes.N});  // its own tokens, gate 1
    for (int64_t s = 0; s < sizes.num_selected; ++s) {
      attend(selected.const_data_ptr<int64_t>()[row * sizes.num_selected + s], false);
    }
    for (int64_t s = 0; s < sizes.num_rest && sizes.M > 0; ++s) {
      attend(rest.const_data_ptr<int64_t>()[row * sizes.num_rest + s], true);
    }
  }
  return result;
}

}  // namespace

at::Tensor moc_attention_tiled(const AttentionInput& input, const MocPlan& plan,
                               const MocSizes& sizes) {
  const bool gated = plan.gate_target != GateTarget::kNone;
  return tiled_attention_recorded(input, gated ? plan.routing.importance : at::Tensor(),
                                  read_plan(plan, sizes), plan.gate_target == GateTarget::kValue);
}

}  // namespace moca::ops
