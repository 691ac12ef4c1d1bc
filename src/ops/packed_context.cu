#include "packed_context.cuh"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <cuda_runtime.h>

namespace moca::ops {
namespace {

constexpr int kThreads = 256;

// Lanes share a token's channels; the rows of the grid's x axis are (b, i, h), so that neighbours
// in time read the same components.
template <typename Work>
__global__ void __launch_bounds__(kThreads) for_each_token(Work work, int32_t num_tokens) {
  const int32_t token = blockIdx.y * blockDim.y + threadIdx.y;
  if (token < num_tokens) {
    work(static_cast<int32_t>(blockIdx.x), token, static_cast<int32_t>(threadIdx.x));
  }
}

template <typename Work>
int launch_for_each_token(const Work& work, int64_t num_rows, int32_t num_tokens, int lanes,
                          void* stream) {
  if (num_rows == 0 || num_tokens == 0) {
    return 0;
  }
  const dim3 threads(lanes, lanes < kThreads ? kThreads / lanes : 1);
  const dim3 blocks(static_cast<unsigned>(num_rows), (num_tokens + threads.y - 1) / threads.y);
  for_each_token<<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(work, num_tokens);
  return static_cast<int>(cudaGetLastError());
}

// One block per (row, place): its threads' sums are added in a fixed tree.
template <typename T, typename Gate, int V>
__global__ void __launch_bounds__(kThreads) sum_gate_gradients(GateGradient<T, Gate, V> work) {
  __shared__ Gate sums[kThreads];
  const auto index = static_cast<int32_t>(blockIdx.x);
  const auto place = static_cast<int32_t>(blockIdx.y) + 1;
  if (!work.layout.is_gated(place)) {
    return;  // the whole block
  }
  const ContextRow at(work.layout, work.chunk, index);
  const int32_t j = work.lists.component(work.layout, at.row, place);
  const int32_t lanes = work.layout.K / V;
  Gate sum = 0;
  for (int32_t t = threadIdx.x; t < work.layout.num_tokens(place) * lanes; t += kThreads) {
    sum += work(at, index, place, j, t / lanes, t % lanes);
  }
  sums[threadIdx.x] = sum;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) {
      sums[threadIdx.x] += sums[threadIdx.x + half];
    }
  }
  if (threadIdx.x == 0) {
    work.gradient[at.row * work.layout.N + j] = sums[0];
  }
}

}  // namespace

template <typename T, typename Gate, int V>
int launch(const PackContext<T, Gate, V>& work, int64_t num_rows, void* stream) {
  return launch_for_each_token(work, num_rows, work.layout.length(), work.layout.K / V, stream);
}

template <typename T, typename Gate, int V>
int launch(const UnpackContext<T, Gate, V>& work, int64_t num_rows, void* stream) {
  const int32_t num_tokens = work.of_full ? work.layout.L : work.layout.M;
  return launch_for_each_token(work, num_rows, num_tokens, work.layout.K / V, stream);
}

template <typename T, typename Gate, int V>
int launch(const GateGradient<T, Gate, V>& work, int64_t num_rows, void* stream) {
  if (num_rows == 0 || work.layout.N == 1) {
    return 0;
  }
  const dim3 blocks(static_cast<unsigned>(num_rows), work.layout.N - 1);
  sum_gate_gradients<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(work);
  return static_cast<int>(cudaGetLastError());
}

// V: 16 bytes, or one channel where tokens do not lie on 16 bytes.
#define MOCA_INSTANTIATE(T, Gate, V)                                     \
  template int launch(const PackContext<T, Gate, V>&, int64_t, void*);   \
  template int launch(const UnpackContext<T, Gate, V>&, int64_t, void*); \
  template int launch(const GateGradient<T, Gate, V>&, int64_t, void*);
MOCA_INSTANTIATE(float, float, 4)
MOCA_INSTANTIATE(float, float, 1)
MOCA_INSTANTIATE(double, double, 1)
MOCA_INSTANTIATE(c10::BFloat16, float, 8)
MOCA_INSTANTIATE(c10::BFloat16, float, 1)
MOCA_INSTANTIATE(c10::Half, float, 8)
MOCA_INSTANTIATE(c10::Half, float, 1)
#undef MOCA_INSTANTIATE

}  // namespace moca::ops
