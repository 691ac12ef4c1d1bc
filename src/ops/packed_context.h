#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "moca/ops/moc_attention.h"
#include "packed_context.cuh"

namespace moca::ops {

// Everything that the queries of a (component, head) attend to, laid out as one run of C tokens for
// LibTorch's attention, and the adjoint of that. Every asset has the same N.
class PackedContext {
 public:
  // `layout` without M where nothing is compressed. `routing` is on the tokens' device; `type` is
  // theirs.
  PackedContext(const ContextLayout& layout, const Routing& routing, at::ScalarType type);

  // Keys or values of heads [first_head, first_head + num_heads), multiplied by the importance of
  // their component if `gated`. full: [B, N, H, L, K]; compressed: [B, N, H, M, K] or undefined.
  // Returns [B * N, num_heads, C, K].
  at::Tensor pack(const at::Tensor& full, const at::Tensor& compressed, const HeadChunk& chunk,
                  bool gated) const;

  // The gradients of `full` and `compressed` at those heads from that of what `pack` returned.
  void unpack(const at::Tensor& packed_gradient, const HeadChunk& chunk, bool gated,
              const at::Tensor& full_gradient, const at::Tensor& compressed_gradient) const;

  // Writes the gradient of importance [B, N, H, N] (float, or double for doubles) at those heads,
  // where it is a gate.
  void gate_gradient(const at::Tensor& packed_gradient, const at::Tensor& full,
                     const at::Tensor& compressed, const HeadChunk& chunk,
                     const at::Tensor& importance_gradient) const;

  const ContextLayout& layout() const { return layout_; }
  const at::Tensor& selected() const { return selected_; }
  const at::Tensor& rest() const { return rest_; }
  // Bytes of the packed keys and values of one head of every component.
  int64_t bytes_per_head(const at::Tensor& full) const;

 private:
  template <typename Gate>
  ContextLists<Gate> lists() const;

  ContextLayout layout_;
  int64_t num_rows_;  // B * N, of one head
  at::Tensor selected_, rest_, places_;
  at::Tensor importance_;  // float, or double for doubles
};

}  // namespace moca::ops
