#pragma once

#include <ATen/native/CPUBlas.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <type_traits>
#include <vector>

// Matrix products of small blocks on a CPU, and the order in which they want their right side.
namespace moca::ops {

template <typename T>
constexpr bool kPaired = std::is_same_v<T, c10::BFloat16>;

// What products and sums are held in.
template <typename T>
using Accumulated = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Calls work(number of that type): bf16, double or float.
template <typename Work>
auto with_number(at::ScalarType type, const Work& work) {
  if (type == at::kBFloat16) {
    return work(c10::BFloat16());
  }
  if (type == at::kDouble) {
    return work(double());
  }
  return work(float());
}

// What products read of numbers: the exact ones, or what they were rounded to where T is bf16.
template <typename T>
const T* factors_of(const std::vector<Accumulated<T>>& exact, const std::vector<T>& rounded) {
  if constexpr (kPaired<T>) {
    return rounded.data();
  } else {
    return exact.data();
  }
}

// Rows that a right side of `rows` rows takes: products of bf16 read rows in pairs.
template <typename T>
int64_t right_rows(int64_t rows) {
  return kPaired<T> ? (rows + 1) / 2 * 2 : rows;
}

// How far apart rows of `count` elements are laid: at an odd number of cache lines, so that a
// column of them does not fall on the same few sets of the cache.
template <typename T>
int64_t spread_stride(int64_t count) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T)) / (kPaired<T> ? 2 : 1);
  return ((count + kLine - 1) / kLine | 1) * kLine;
}

// output [M, N] = left [M, K] right [K, N], added to what is there if `add`. Rows are `*_stride`
// apart; the right side of bf16 is as `pack_right` leaves it, and K is even.
template <typename T>
void product(int64_t M, int64_t N, int64_t K, const T* left, int64_t left_stride, const T* right,
             int64_t right_stride, Accumulated<T>* output, int64_t output_stride, bool add) {
  if constexpr (std::is_same_v<T, double>) {
    // Doubles are for checking the others: no library here offers their product without tensors.
    for (int64_t m = 0; m < M; ++m) {
      for (int64_t n = 0; n < N && !add; ++n) {
        output[m * output_stride + n] = 0.0;
      }
      for (int64_t k = 0; k < K; ++k) {
        for (int64_t n = 0; n < N; ++n) {
          output[m * output_stride + n] += left[m * left_stride + k] * right[k * right_stride + n];
        }
      }
    }
  } else {
    at::native::cpublas::brgemm(M, N, K, left_stride, right_stride, output_stride, add, left, right,
                                output);
  }
}

// Writes rows [K, N] as the right side of products: as they are, or in bf16 as pairs of rows
// [K / 2, N, 2]; a missing last row is zero. Element (r, c) is at source[r * row + c * column].
template <typename T>
void pack_right(const T* source, int64_t K, int64_t N, int64_t row, int64_t column, T* packed,
                int64_t packed_stride) {
  if constexpr (kPaired<T>) {
    for (int64_t r = 0; r < K; r += 2) {
      const T* first = source + r * row;
      T* out = packed + r * packed_stride;
      for (int64_t c = 0; c < N; ++c) {
        out[2 * c] = first[c * column];
        out[2 * c + 1] = r + 1 < K ? first[c * column + row] : T(0.0F);
      }
    }
  } else {
    for (int64_t r = 0; r < K; ++r) {
      for (int64_t c = 0; c < N; ++c) {
        packed[r * packed_stride + c] = source[r * row + c * column];
      }
    }
  }
}

}  // namespace moca::ops
