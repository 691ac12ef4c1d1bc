#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define MOCA_HOST_DEVICE __host__ __device__
#else
#define MOCA_HOST_DEVICE
#endif

// Where everything lies in packed contexts, and what one thread does with it. The CUDA kernels and
// the loops on the CPU call the same functions, so that the CPU's tests run the kernels'
// arithmetic. Plain pointers only: this header is read by nvcc and by the C++ units that dispatch.
namespace moca::ops {

// What the queries of one (component, head) attend to, in order: place 0 is the component itself
// with its L tokens, then come L tokens of each of the k selected, then M compressed tokens of each
// of the rest.
struct ContextLayout {
  int32_t N = 1, H = 1, L = 1, M = 0, K = 1;
  int32_t num_selected = 0;
  bool gates_compressed = true;

  MOCA_HOST_DEVICE int32_t num_full() const { return 1 + num_selected; }
  MOCA_HOST_DEVICE int32_t length() const { return num_full() * L + (N - num_full()) * M; }
  MOCA_HOST_DEVICE bool is_full(int32_t place) const { return place < num_full(); }
  // The component itself never is.
  MOCA_HOST_DEVICE bool is_gated(int32_t place) const {
    return place != 0 && (gates_compressed || is_full(place));
  }
  MOCA_HOST_DEVICE int32_t num_tokens(int32_t place) const { return is_full(place) ? L : M; }
  MOCA_HOST_DEVICE int32_t first_slot(int32_t place) const {
    return is_full(place) ? place * L : num_full() * L + (place - num_full()) * M;
  }
  MOCA_HOST_DEVICE int32_t place_of(int32_t slot) const {
    return slot < num_full() * L ? slot / L : num_full() + (slot - num_full() * L) / M;
  }
};

// Who is where in the context of row (b * N + i) * H + h, and who is how important there.
template <typename Gate>
struct ContextLists {
  const int64_t* selected;  // [B, N, H, k]
  const int64_t* rest;      // [B, N, H, N - 1 - k]
  const int32_t* places;    // [B, N, H, N]: the place of component j
  const Gate* importance;   // [B, N, H, N]

  MOCA_HOST_DEVICE int32_t component(const ContextLayout& layout, int64_t row,
                                     int32_t place) const {
    if (place == 0) {
      return static_cast<int32_t>(row / layout.H % layout.N);
    }
    if (layout.is_full(place)) {
      return static_cast<int32_t>(selected[row * layout.num_selected + place - 1]);
    }
    const int32_t num_rest = layout.N - layout.num_full();
    return static_cast<int32_t>(rest[row * num_rest + place - layout.num_full()]);
  }
  MOCA_HOST_DEVICE Gate gate(const ContextLayout& layout, int64_t row, int32_t place,
                             int32_t component) const {
    return place == 0 ? Gate(1) : importance[row * layout.N + component];
  }
};

// Tokens [B, N, H, S, K], strided except for the channels.
template <typename T>
struct TokenView {
  T* data = nullptr;
  int64_t asset = 0, component = 0, head = 0, token = 0;  // strides

  MOCA_HOST_DEVICE T* at(int64_t b, int64_t j, int64_t h, int64_t s) const {
    return data + b * asset + j * component + h * head + s * token;
  }
};

// Consecutive channels that a thread reads at once.
template <typename T, int V>
struct alignas(sizeof(T) * V) Channels {
  T values[V];
};

// Rows of heads [first_head, first_head + num_heads) of every component, counted
// (b * N + i) * num_heads + h - first_head.
struct HeadChunk {
  int32_t first_head, num_heads;
};

// The place of a row of a chunk among all rows.
struct ContextRow {
  int32_t b, i, h;
  int64_t row;

  MOCA_HOST_DEVICE ContextRow(const ContextLayout& layout, const HeadChunk& chunk, int32_t index)
      : b(index / chunk.num_heads / layout.N),
        i(index / chunk.num_heads % layout.N),
        h(chunk.first_head + index % chunk.num_heads),
        row((static_cast<int64_t>(b) * layout.N + i) * layout.H + h) {}
};

// packed [B, N, num_heads, C, K] of tokens, gated (Eq. 7) if asked. One call writes the lane-th V
// channels of one slot of one row.
template <typename T, typename Gate, int V>
struct PackContext {
  ContextLayout layout;
  ContextLists<Gate> lists;
  HeadChunk chunk;
  bool gated;
  TokenView<const T> full, compressed;
  T* packed;

  MOCA_HOST_DEVICE void operator()(int32_t index, int32_t slot, int32_t lane) const {
    const ContextRow at(layout, chunk, index);
    const int32_t place = layout.place_of(slot);
    const int32_t j = lists.component(layout, at.row, place);
    const auto& tokens = layout.is_full(place) ? full : compressed;
    auto channels = *reinterpret_cast<const Channels<T, V>*>(
        tokens.at(at.b, j, at.h, slot - layout.first_slot(place)) + lane * V);
    if (gated && layout.is_gated(place)) {
      const Gate gate = lists.importance[at.row * layout.N + j];
      for (int v = 0; v < V; ++v) {
        channels.values[v] = static_cast<T>(gate * static_cast<Gate>(channels.values[v]));
      }
    }
    T* const out = packed + (static_cast<int64_t>(index) * layout.length() + slot) * layout.K;
    *reinterpret_cast<Channels<T, V>*>(out + lane * V) = channels;
  }
};

// The adjoint: the gradient of tokens [B, N, H, S, K] (the full ones or the compressed ones) from
// that of the packed ones. One call sums the lane-th V channels of token s of one row (b, j, h)
// over all that attended to it, in ascending order: no two calls write to the same place.
template <typename T, typename Gate, int V>
struct UnpackContext {
  ContextLayout layout;
  ContextLists<Gate> lists;
  HeadChunk chunk;
  bool gated;
  bool of_full;
  const T* packed;  // gradient [B, N, num_heads, C, K]
  TokenView<T> gradient;

  MOCA_HOST_DEVICE void operator()(int32_t index, int32_t s, int32_t lane) const {
    const ContextRow at(layout, chunk, index);  // at.i is component j here
    Gate sums[V] = {};
    for (int32_t i = 0; i < layout.N; ++i) {
      const int64_t user = static_cast<int64_t>(at.b) * layout.N + i;
      const int64_t row = user * layout.H + at.h;
      const int32_t place = lists.places[row * layout.N + at.i];
      if (layout.is_full(place) != of_full) {
        continue;
      }
      const Gate gate = gated ? lists.gate(layout, row, place, at.i) : Gate(1);
      const int64_t slots = user * chunk.num_heads + at.h - chunk.first_head;
      const T* const in =
          packed + (slots * layout.length() + layout.first_slot(place) + s) * layout.K;
      const auto channels = *reinterpret_cast<const Channels<T, V>*>(in + lane * V);
      for (int v = 0; v < V; ++v) {
        sums[v] += gate * static_cast<Gate>(channels.values[v]);
      }
    }
    Channels<T, V> result;
    for (int v = 0; v < V; ++v) {
      result.values[v] = static_cast<T>(sums[v]);
    }
    *reinterpret_cast<Channels<T, V>*>(gradient.at(at.b, at.i, at.h, s) + lane * V) = result;
  }
};

// The gradient of importance [B, N, H, N]: of component j for row (b, i, h), the sum over its
// tokens of token . gradient of the packed token, where it is gated. One call gives the term of one
// token's lane-th channels.
template <typename T, typename Gate, int V>
struct GateGradient {
  ContextLayout layout;
  ContextLists<Gate> lists;
  HeadChunk chunk;
  TokenView<const T> full, compressed;
  const T* packed;  // gradient [B, N, num_heads, C, K]
  Gate* gradient;

  MOCA_HOST_DEVICE Gate operator()(const ContextRow& at, int32_t index, int32_t place, int32_t j,
                                   int32_t s, int32_t lane) const {
    const auto& tokens = layout.is_full(place) ? full : compressed;
    const auto channels =
        *reinterpret_cast<const Channels<T, V>*>(tokens.at(at.b, j, at.h, s) + lane * V);
    const int64_t slot =
        static_cast<int64_t>(index) * layout.length() + layout.first_slot(place) + s;
    const auto gradients =
        *reinterpret_cast<const Channels<T, V>*>(packed + slot * layout.K + lane * V);
    Gate sum = 0;
    for (int v = 0; v < V; ++v) {
      sum += static_cast<Gate>(channels.values[v]) * static_cast<Gate>(gradients.values[v]);
    }
    return sum;
  }
};

// Run one of them for `num_rows` rows on `stream` (of the current device). Return the CUDA error
// code, 0 when the launch went well.
template <typename T, typename Gate, int V>
int launch(const PackContext<T, Gate, V>& work, int64_t num_rows, void* stream);
template <typename T, typename Gate, int V>
int launch(const UnpackContext<T, Gate, V>& work, int64_t num_rows, void* stream);
template <typename T, typename Gate, int V>
int launch(const GateGradient<T, Gate, V>& work, int64_t num_rows, void* stream);

}  // namespace moca::ops
