#include "nearest_points.cuh"

#include <cuda_runtime.h>

namespace moca::ops {
namespace {

constexpr int kThreads = 256;
constexpr int kQueries = 2;  // of a thread: a point that it read is compared with both

// Blocks of kThreads * kQueries queries; all points pass through shared memory, kThreads at a time.
__global__ void nearest_points_kernel(const float* queries, const float* points, int64_t* nearest,
                                      int64_t P, int64_t Q) {
  __shared__ float4 tile[kThreads];
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads * kQueries + threadIdx.x;
  float x[kQueries], y[kQueries], z[kQueries], least[kQueries];
  int64_t found[kQueries];
  for (int i = 0; i < kQueries; ++i) {
    const int64_t query = min(first + i * kThreads, P - 1);
    x[i] = queries[query * 3];
    y[i] = queries[query * 3 + 1];
    z[i] = queries[query * 3 + 2];
    least[i] = INFINITY;
    found[i] = 0;
  }
  for (int64_t begin = 0; begin < Q; begin += kThreads) {
    const int count = static_cast<int>(min(static_cast<int64_t>(kThreads), Q - begin));
    __syncthreads();
    if (threadIdx.x < count) {
      const float* const point = points + (begin + threadIdx.x) * 3;
      tile[threadIdx.x] = make_float4(point[0], point[1], point[2], 0.0F);
    }
    __syncthreads();
    int nearest_here[kQueries];
    for (int i = 0; i < kQueries; ++i) {
      nearest_here[i] = -1;
    }
#pragma unroll 8
    for (int p = 0; p < count; ++p) {
      const float4 point = tile[p];
      for (int i = 0; i < kQueries; ++i) {
        const float dx = point.x - x[i], dy = point.y - y[i], dz = point.z - z[i];
        const float distance = dx * dx + dy * dy + dz * dz;
        if (distance < least[i]) {
          least[i] = distance;
          nearest_here[i] = p;
        }
      }
    }
    for (int i = 0; i < kQueries; ++i) {
      found[i] = nearest_here[i] < 0 ? found[i] : begin + nearest_here[i];
    }
  }
  for (int i = 0; i < kQueries; ++i) {
    if (first + i * kThreads < P) {
      nearest[first + i * kThreads] = found[i];
    }
  }
}

}  // namespace

int launch_nearest_points(const float* queries, const float* points, int64_t* nearest, int64_t P,
                          int64_t Q, void* stream) {
  const auto blocks = static_cast<unsigned>((P + kThreads * kQueries - 1) / (kThreads * kQueries));
  nearest_points_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(queries, points,
                                                                                    nearest, P, Q);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace moca::ops
