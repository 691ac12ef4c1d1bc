#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "moca/ops/moc_attention.h"

// The ways to compute MoC attention; each takes what `moc_attention` has checked.
namespace moca::ops {

struct MocInput {
  at::Tensor query, key, value;                 // [B, N, H, L, K]
  at::Tensor compressed_key, compressed_value;  // [B, N, H, M, K]; undefined where M is 0
};

struct MocSizes {
  int64_t B, N, H, L, K, M, num_selected, num_rest;
};

// Eq. 6-8 read aloud, one component and head at a time; any type and device. The meaning of every
// other backend.
at::Tensor moc_attention_definition(const MocInput& input, const MocPlan& plan,
                                    const MocSizes& sizes);
// Packs what each (component, head) attends to and calls LibTorch's own attention.
at::Tensor moc_attention_packed(const MocInput& input, const MocPlan& plan, const MocSizes& sizes);
// Blocks on the CPU, nothing gathered.
at::Tensor moc_attention_tiled(const MocInput& input, const MocPlan& plan, const MocSizes& sizes);

}  // namespace moca::ops
