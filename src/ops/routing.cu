#include "routing.cuh"

#include <cuda_runtime.h>

namespace moca::ops {
namespace {

constexpr unsigned kWarp = 0xFFFFFFFFU;
constexpr int kWarps = 8;                       // rows of a block
constexpr int kPerLane = kMostSelectable / 32;  // candidates of a lane at most, one bit each

// What is no number ranks last, as on the CPU: lanes that disagree about the largest would list a
// component twice, or none.
__device__ float rankable(float key) { return isnan(key) ? -INFINITY : key; }

// One warp per row. Lane l has the candidates l, l + 32, ...; `taken` has a bit for each of them.
__global__ void __launch_bounds__(32 * kWarps)
    select_components_kernel(const float* keys, int64_t* selected, int64_t* rest, int64_t num_rows,
                             int32_t N, int32_t H, int32_t num_selected) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (row >= num_rows) {
    return;
  }
  const int32_t lane = threadIdx.x % 32;
  const auto own = static_cast<int32_t>(row / H % N);
  keys += row * N;
  selected += row * num_selected;
  rest += row * (N - 1 - num_selected);
  static_assert(kPerLane <= 32, "a lane's candidates are the bits of one word");
  uint32_t taken = own % 32 == lane ? 1U << (own / 32) : 0U;
  for (int32_t s = 0; s < num_selected; ++s) {
    float best = -INFINITY;
    int32_t index = N;
    for (int32_t j = lane, bit = 0; j < N; j += 32, ++bit) {
      const float key = rankable(keys[j]);
      if ((taken >> bit & 1U) == 0 && (index == N || key > best)) {
        best = key;
        index = j;
      }
    }
    for (int offset = 16; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(kWarp, best, offset);
      const int32_t other_index = __shfl_xor_sync(kWarp, index, offset);
      const bool better =
          other_index < N && (index == N || other > best || (other == best && other_index < index));
      best = better ? other : best;
      index = better ? other_index : index;
    }
    if (index % 32 == lane) {
      taken |= 1U << (index / 32);
    }
    if (lane == 0) {
      selected[s] = index;
    }
  }
  int32_t written = 0;
  for (int32_t first = 0, bit = 0; first < N; first += 32, ++bit) {
    const bool left = first + lane < N && (taken >> bit & 1U) == 0;
    const unsigned votes = __ballot_sync(kWarp, left);
    if (left) {
      rest[written + __popc(votes & ((1U << lane) - 1U))] = first + lane;
    }
    written += __popc(votes);
  }
}

}  // namespace

int launch_select_components(const float* keys, int64_t* selected, int64_t* rest, int64_t num_rows,
                             int32_t N, int32_t H, int32_t num_selected, void* stream) {
  if (num_rows == 0) {
    return 0;
  }
  const auto blocks = static_cast<unsigned>((num_rows + kWarps - 1) / kWarps);
  select_components_kernel<<<blocks, 32 * kWarps, 0, static_cast<cudaStream_t>(stream)>>>(
      keys, selected, rest, num_rows, N, H, num_selected);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace moca::ops
