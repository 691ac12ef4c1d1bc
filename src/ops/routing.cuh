#pragma once

#include <cstdint>

namespace moca::ops {

// Plain pointers only: this header is read by nvcc and by the C++ unit that dispatches.
// keys [num_rows, N], row (b * N + i) * H + h: picks the num_selected components other than i of
// the largest keys (the first of equals), in that order, and lists the remaining ones in ascending
// order. selected: [num_rows, k], rest: [num_rows, N - 1 - k]. Returns the CUDA error code.
int launch_select_components(const float* keys, int64_t* selected, int64_t* rest, int64_t num_rows,
                             int32_t N, int32_t H, int32_t num_selected, void* stream);

// The most components that it takes.
constexpr int32_t kMostSelectable = 1024;

}  // namespace moca::ops
