#pragma once

#include <cstdint>

namespace moca::ops {

// Plain pointers only: this header is read by nvcc and by the C++ unit that dispatches.
// points [n, P, 3], distances [n, P] scratch, indices [n, count]; all on the current device.
// Returns the CUDA error code, 0 when the launch went well.
int launch_farthest_point_sampling(const float* points, float* distances, int64_t* indices,
                                   int64_t n, int64_t num_points, int64_t count, void* stream);

}  // namespace moca::ops
