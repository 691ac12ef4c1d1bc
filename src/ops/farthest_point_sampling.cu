#include "farthest_point_sampling.cuh"

#include <cuda_runtime.h>

namespace moca::ops {
namespace {

constexpr int kThreads = 512;

struct Farthest {
  float distance;
  int64_t index;
};

// The farther of two candidates; at equal distance the first point wins, as on the CPU.
__device__ Farthest farther(Farthest a, Farthest b) {
  const bool second = b.distance > a.distance || (b.distance == a.distance && b.index < a.index);
  return second ? b : a;
}

__device__ Farthest farthest_of_warp(Farthest candidate) {
  for (int offset = 16; offset > 0; offset /= 2) {
    const Farthest other{__shfl_down_sync(0xFFFFFFFFU, candidate.distance, offset),
                         __shfl_down_sync(0xFFFFFFFFU, candidate.index, offset)};
    candidate = farther(candidate, other);
  }
  return candidate;
}

// One block per point set: `count` rounds, each updates every point's distance to the chosen set
// and finds the farthest point.
__global__ void farthest_point_sampling_kernel(const float* points, float* distances,
                                               int64_t* indices, int64_t num_points,
                                               int64_t count) {
  points += blockIdx.x * num_points * 3;
  distances += blockIdx.x * num_points;
  indices += blockIdx.x * count;
  __shared__ Farthest warp_best[kThreads / 32];
  __shared__ int64_t chosen;
  for (int64_t p = threadIdx.x; p < num_points; p += kThreads) {
    distances[p] = INFINITY;
  }
  if (threadIdx.x == 0) {
    chosen = 0;
    indices[0] = 0;
  }
  __syncthreads();
  for (int64_t round = 1; round < count; ++round) {
    const float x = points[chosen * 3], y = points[chosen * 3 + 1], z = points[chosen * 3 + 2];
    Farthest best{-1.0F, num_points};
    for (int64_t p = threadIdx.x; p < num_points; p += kThreads) {
      const float dx = points[p * 3] - x, dy = points[p * 3 + 1] - y, dz = points[p * 3 + 2] - z;
      const float distance = fminf(distances[p], dx * dx + dy * dy + dz * dz);
      distances[p] = distance;
      best = farther(best, Farthest{distance, p});
    }
    best = farthest_of_warp(best);
    if (threadIdx.x % 32 == 0) {
      warp_best[threadIdx.x / 32] = best;
    }
    __syncthreads();
    if (threadIdx.x < 32) {
      best = threadIdx.x < kThreads / 32 ? warp_best[threadIdx.x] : Farthest{-1.0F, num_points};
      best = farthest_of_warp(best);
      if (threadIdx.x == 0) {
        chosen = best.index;
        indices[round] = best.index;
      }
    }
    __syncthreads();
  }
}

}  // namespace

int launch_farthest_point_sampling(const float* points, float* distances, int64_t* indices,
                                   int64_t n, int64_t num_points, int64_t count, void* stream) {
  farthest_point_sampling_kernel<<<static_cast<unsigned>(n), kThreads, 0,
                                   static_cast<cudaStream_t>(stream)>>>(points, distances, indices,
                                                                        num_points, count);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace moca::ops
