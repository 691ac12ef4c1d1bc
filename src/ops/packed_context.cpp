#include "packed_context.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdint>
#include <type_traits>

#ifdef MOCA_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace moca::ops {
namespace {

constexpr int64_t kWidestLoad = 16;  // bytes that a thread reads at once, where tokens lie on them

template <typename T>
using GateOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T>
TokenView<T> view(const at::Tensor& tokens) {
  if (!tokens.defined()) {
    return {};
  }
  using Number = std::remove_const_t<T>;
  T* data;
  if constexpr (std::is_const_v<T>) {
    data = tokens.const_data_ptr<Number>();
  } else {
    data = tokens.mutable_data_ptr<Number>();
  }
  return {data, tokens.stride(0), tokens.stride(1), tokens.stride(2), tokens.stride(3)};
}

bool on_widest_loads(const at::Tensor& tokens) {
  if (!tokens.defined()) {
    return true;
  }
  const int64_t width = tokens.element_size();
  bool aligned = reinterpret_cast<uintptr_t>(tokens.const_data_ptr()) % kWidestLoad == 0;
  for (int64_t axis = 0; axis < 4; ++axis) {
    aligned = aligned && (tokens.stride(axis) * width % kWidestLoad == 0 || tokens.size(axis) == 1);
  }
  return aligned && tokens.size(4) * width % kWidestLoad == 0;
}

// Channels read at once at most. Doubles are for checking the others and are read one by one.
template <typename T>
constexpr int kWidest = std::is_same_v<T, double> ? 1 : kWidestLoad / sizeof(T);

// Calls work(number of that type, number of channels read at once).
template <typename Work>
void with_type(at::ScalarType type, bool wide, const Work& work) {
  const auto with_width = [&](auto number) {
    using T = decltype(number);
    if constexpr (kWidest < T >> 1) {
      if (wide) {
        return work(number, std::integral_constant<int, kWidest<T>>());
      }
    }
    return work(number, std::integral_constant<int, 1>());
  };
  switch (type) {
    case at::kDouble:
      return with_width(double());
    case at::kBFloat16:
      return with_width(c10::BFloat16());
    case at::kFloat:
      return with_width(float());
    case at::kHalf:
      return with_width(c10::Half());
    default:
      TORCH_CHECK(false, "attention is computed in double, float, bf16 or half, not in ", type);
  }
}

// The loops that the kernels' grids are.
template <typename T, typename Gate, int V>
void run_on_cpu(const PackContext<T, Gate, V>& work, int64_t num_rows) {
  at::parallel_for(0, num_rows, 1, [&](int64_t begin, int64_t end) {
    for (auto row = static_cast<int32_t>(begin); row < end; ++row) {
      for (int32_t slot = 0; slot < work.layout.length(); ++slot) {
        for (int32_t lane = 0; lane < work.layout.K / V; ++lane) {
          work(row, slot, lane);
        }
      }
    }
  });
}

template <typename T, typename Gate, int V>
void run_on_cpu(const UnpackContext<T, Gate, V>& work, int64_t num_rows) {
  const int32_t num_tokens = work.of_full ? work.layout.L : work.layout.M;
  at::parallel_for(0, num_rows, 1, [&](int64_t begin, int64_t end) {
    for (auto row = static_cast<int32_t>(begin); row < end; ++row) {
      for (int32_t s = 0; s < num_tokens; ++s) {
        for (int32_t lane = 0; lane < work.layout.K / V; ++lane) {
          work(row, s, lane);
        }
      }
    }
  });
}

template <typename T, typename Gate, int V>
void run_on_cpu(const GateGradient<T, Gate, V>& work, int64_t num_rows) {
  at::parallel_for(0, num_rows, 1, [&](int64_t begin, int64_t end) {
    for (auto row = static_cast<int32_t>(begin); row < end; ++row) {
      const ContextRow at(work.layout, work.chunk, row);
      for (int32_t place = 1; place < work.layout.N; ++place) {
        if (!work.layout.is_gated(place)) {
          continue;
        }
        const int32_t j = work.lists.component(work.layout, at.row, place);
        double sum = 0;  // of thousands of terms, one after the other
        for (int32_t s = 0; s < work.layout.num_tokens(place); ++s) {
          for (int32_t lane = 0; lane < work.layout.K / V; ++lane) {
            sum += work(at, row, place, j, s, lane);
          }
        }
        work.gradient[at.row * work.layout.N + j] = static_cast<Gate>(sum);
      }
    }
  });
}

template <typename Work>
void run(const Work& work, int64_t num_rows, const c10::Device& device) {
  if (device.is_cpu()) {
    return run_on_cpu(work, num_rows);
  }
#ifdef MOCA_CUDA
  const c10::cuda::CUDAGuard guard(device);
  const int failure =
      launch(work, num_rows, c10::cuda::getCurrentCUDAStream(device.index()).stream());
  TORCH_CHECK(failure == 0, "packed attention on ", device, ": CUDA error ", failure);
#else
  TORCH_CHECK(false, "packed attention on ", device,
              " needs a moca that was built where nvcc is; this one was not");
#endif
}

// The place of component j in the context of every row: [B, N, H, N].
at::Tensor places_of(const Routing& routing) {
  const auto& selected = routing.selected;
  const int64_t N = selected.size(1), num_selected = selected.size(3);
  const auto counted = at::arange(1, N, selected.options().dtype(at::kInt));
  auto places = at::zeros(routing.importance.sizes(), counted.options());
  const auto put = [&](const at::Tensor& list, int64_t first) {
    const auto numbers = counted.narrow(0, first, list.size(3));
    places.scatter_(3, list, numbers.expand(list.sizes()));
  };
  put(selected, 0);
  put(routing.rest, num_selected);
  return places;
}

}  // namespace

PackedContext::PackedContext(const ContextLayout& layout, const Routing& routing,
                             at::ScalarType type)
    : layout_(layout),
      num_rows_(routing.selected.size(0) * layout.N),
      selected_(routing.selected.contiguous()),
      rest_(routing.rest.contiguous()),
      places_(places_of(routing)),
      importance_(routing.importance.detach()
                      .to(type == at::kDouble ? at::kDouble : at::kFloat)
                      .contiguous()) {}

template <typename Gate>
ContextLists<Gate> PackedContext::lists() const {
  return {selected_.const_data_ptr<int64_t>(), rest_.const_data_ptr<int64_t>(),
          places_.const_data_ptr<int32_t>(), importance_.const_data_ptr<Gate>()};
}

int64_t PackedContext::bytes_per_head(const at::Tensor& full) const {
  return 2 * num_rows_ * layout_.length() * layout_.K * full.element_size();
}

at::Tensor PackedContext::pack(const at::Tensor& full, const at::Tensor& compressed,
                               const HeadChunk& chunk, bool gated) const {
  auto packed =
      at::empty({num_rows_, chunk.num_heads, layout_.length(), layout_.K}, full.options());
  const bool wide = on_widest_loads(full) && on_widest_loads(compressed);
  with_type(full.scalar_type(), wide, [&](auto number, auto width) {
    using T = decltype(number);
    using Gate = GateOf<T>;
    run(PackContext<T, Gate, width>{layout_, lists<Gate>(), chunk, gated, view<const T>(full),
                                    view<const T>(compressed),
                                    packed.template mutable_data_ptr<T>()},
        num_rows_ * chunk.num_heads, full.device());
  });
  return packed;
}

void PackedContext::unpack(const at::Tensor& packed_gradient, const HeadChunk& chunk, bool gated,
                           const at::Tensor& full_gradient,
                           const at::Tensor& compressed_gradient) const {
  const auto packed = packed_gradient.contiguous();
  const auto unpack_to = [&](const at::Tensor& gradient, bool of_full) {
    with_type(packed.scalar_type(), on_widest_loads(gradient), [&](auto number, auto width) {
      using T = decltype(number);
      using Gate = GateOf<T>;
      const bool of_gated = gated && (of_full || layout_.gates_compressed);
      run(UnpackContext<T, Gate, width>{layout_, lists<Gate>(), chunk, of_gated, of_full,
                                        packed.template const_data_ptr<T>(), view<T>(gradient)},
          num_rows_ * chunk.num_heads, packed.device());
    });
  };
  unpack_to(full_gradient, true);
  if (compressed_gradient.defined()) {
    unpack_to(compressed_gradient, false);
  }
}

void PackedContext::gate_gradient(const at::Tensor& packed_gradient, const at::Tensor& full,
                                  const at::Tensor& compressed, const HeadChunk& chunk,
                                  const at::Tensor& importance_gradient) const {
  TORCH_CHECK(importance_gradient.is_contiguous(), "importance_gradient must be contiguous");
  const auto packed = packed_gradient.contiguous();
  const bool wide = on_widest_loads(full) && on_widest_loads(compressed);
  with_type(packed.scalar_type(), wide, [&](auto number, auto width) {
    using T = decltype(number);
    using Gate = GateOf<T>;
    run(GateGradient<T, Gate, width>{layout_, lists<Gate>(), chunk, view<const T>(full),
                                     view<const T>(compressed), packed.template const_data_ptr<T>(),
                                     importance_gradient.template mutable_data_ptr<Gate>()},
        num_rows_ * chunk.num_heads, packed.device());
  });
}

}  // namespace moca::ops
