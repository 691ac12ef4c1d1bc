#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <type_traits>

namespace moca::ops {

// Rows of K consecutive numbers.
template <typename T>
struct Rows {
  T* data = nullptr;
  int64_t stride = 0;
};

// Rows of one head of tokens [B, N, H, S, K], heads counted in this order; the last axis is
// consecutive. Rows<const T> to read, Rows<T> to write.
template <typename T>
Rows<T> rows_of(const at::Tensor& tokens, int64_t head) {
  const int64_t h = head % tokens.size(2), i = head / tokens.size(2) % tokens.size(1);
  const int64_t b = head / tokens.size(2) / tokens.size(1);
  const int64_t offset = b * tokens.stride(0) + i * tokens.stride(1) + h * tokens.stride(2);
  // The stride of an axis of one row means nothing.
  const int64_t stride = tokens.size(3) > 1 ? tokens.stride(3) : tokens.size(4);
  if constexpr (std::is_const_v<T>) {
    return {tokens.const_data_ptr<std::remove_const_t<T>>() + offset, stride};
  } else {
    return {tokens.mutable_data_ptr<T>() + offset, stride};
  }
}

// A run of `count` rows is cut into equal pieces of at most `most` rows, a multiple of 16 each.
inline int64_t piece_size(int64_t count, int64_t most) {
  const int64_t pieces = (count + most - 1) / most;
  return pieces <= 1 ? count : ((count + pieces - 1) / pieces + 15) / 16 * 16;
}

}  // namespace moca::ops
