#pragma once

#include <cstdint>

namespace moca::ops {

// Plain pointers only: this header is read by nvcc and by the C++ unit that dispatches.
// queries [P, 3], points [Q, 3], nearest [P]; all on the current device.
// Returns the CUDA error code, 0 when the launch went well.
int launch_nearest_points(const float* queries, const float* points, int64_t* nearest, int64_t P,
                          int64_t Q, void* stream);

}  // namespace moca::ops
