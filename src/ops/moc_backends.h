#pragma once

#include <cstdint>

#include "attention_tensors.h"
#include "moca/ops/moc_attention.h"

// The ways to compute MoC attention; each takes what `moc_attention` has checked, without
// compressed tokens where M is 0.
namespace moca::ops {

struct MocSizes {
  int64_t B, N, H, L, K, M, num_selected, num_rest;
};

// Eq. 6-8 read aloud, one component and head at a time; any type and device. The meaning of every
// other backend.
at::Tensor moc_attention_definition(const AttentionInput& input, const MocPlan& plan,
                                    const MocSizes& sizes);
// Packs what each (component, head) attends to and calls LibTorch's own attention.
at::Tensor moc_attention_packed(const AttentionInput& input, const MocPlan& plan,
                                const MocSizes& sizes);
// Blocks on the CPU, nothing gathered.
at::Tensor moc_attention_tiled(const AttentionInput& input, const MocPlan& plan,
                               const MocSizes& sizes);

}  // namespace moca::ops
