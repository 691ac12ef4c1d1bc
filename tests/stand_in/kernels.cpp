// The launch functions of src/ops/*.cu as loops of the host.
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "memory.h"
#include "src/ops/farthest_point_sampling.cuh"
#include "src/ops/nearest_points.cuh"
#include "src/ops/packed_context.cuh"
#include "src/ops/routing.cuh"

namespace moca::ops {
namespace {

using stand_in::host;

template <typename Gate>
ContextLists<Gate> on_host(const ContextLists<Gate>& lists) {
  return {host(lists.selected), host(lists.rest), host(lists.places), host(lists.importance)};
}

template <typename T>
TokenView<T> on_host(TokenView<T> tokens) {
  tokens.data = host(tokens.data);
  return tokens;
}

template <typename Work>
void for_each_token(const Work& work, int64_t num_rows, int32_t num_tokens, int32_t num_lanes) {
  for (int32_t row = 0; row < num_rows; ++row) {
    for (int32_t token = 0; token < num_tokens; ++token) {
      for (int32_t lane = 0; lane < num_lanes; ++lane) {
        work(row, token, lane);
      }
    }
  }
}

}  // namespace

template <typename T, typename Gate, int V>
int launch(const PackContext<T, Gate, V>& work, int64_t num_rows, void* /*stream*/) {
  auto here = work;
  here.lists = on_host(work.lists);
  here.full = on_host(work.full);
  here.compressed = on_host(work.compressed);
  here.packed = host(work.packed);
  for_each_token(here, num_rows, work.layout.length(), work.layout.K / V);
  return 0;
}

template <typename T, typename Gate, int V>
int launch(const UnpackContext<T, Gate, V>& work, int64_t num_rows, void* /*stream*/) {
  auto here = work;
  here.lists = on_host(work.lists);
  here.packed = host(work.packed);
  here.gradient = on_host(work.gradient);
  const int32_t num_tokens = work.of_full ? work.layout.L : work.layout.M;
  for_each_token(here, num_rows, num_tokens, work.layout.K / V);
  return 0;
}

template <typename T, typename Gate, int V>
int launch(const GateGradient<T, Gate, V>& work, int64_t num_rows, void* /*stream*/) {
  auto here = work;
  here.lists = on_host(work.lists);
  here.full = on_host(work.full);
  here.compressed = on_host(work.compressed);
  here.packed = host(work.packed);
  here.gradient = host(work.gradient);
  const auto& layout = here.layout;
  for (int32_t index = 0; index < num_rows; ++index) {
    const ContextRow at(layout, here.chunk, index);
    for (int32_t place = 1; place < layout.N; ++place) {
      if (!layout.is_gated(place)) {
        continue;
      }
      const int32_t j = here.lists.component(layout, at.row, place);
      double sum = 0;
      for (int32_t s = 0; s < layout.num_tokens(place); ++s) {
        for (int32_t lane = 0; lane < layout.K / V; ++lane) {
          sum += here(at, index, place, j, s, lane);
        }
      }
      here.gradient[at.row * layout.N + j] = static_cast<Gate>(sum);
    }
  }
  return 0;
}

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

int launch_farthest_point_sampling(const float* points, float* distances, int64_t* indices,
                                   int64_t n, int64_t num_points, int64_t count, void* /*stream*/) {
  points = host(points);
  distances = host(distances);
  indices = host(indices);
  for (int64_t set = 0; set < n; ++set) {
    std::fill_n(distances, num_points, std::numeric_limits<float>::infinity());
    int64_t chosen = indices[0] = 0;
    for (int64_t round = 1; round < count; ++round) {
      const float x = points[chosen * 3], y = points[chosen * 3 + 1], z = points[chosen * 3 + 2];
      float farthest = -1.0F;
      for (int64_t p = 0; p < num_points; ++p) {
        const float dx = points[p * 3] - x, dy = points[p * 3 + 1] - y, dz = points[p * 3 + 2] - z;
        distances[p] = std::min(distances[p], dx * dx + dy * dy + dz * dz);
        if (distances[p] > farthest) {
          farthest = distances[p];
          chosen = p;
        }
      }
      indices[round] = chosen;
    }
    points += num_points * 3;
    distances += num_points;
    indices += count;
  }
  return 0;
}

int launch_nearest_points(const float* queries, const float* points, int64_t* nearest, int64_t P,
                          int64_t Q, void* /*stream*/) {
  queries = host(queries);
  points = host(points);
  nearest = host(nearest);
  for (int64_t i = 0; i < P; ++i, queries += 3) {
    float least = std::numeric_limits<float>::infinity();
    nearest[i] = 0;
    for (int64_t p = 0; p < Q; ++p) {
      const float dx = points[p * 3] - queries[0], dy = points[p * 3 + 1] - queries[1],
                  dz = points[p * 3 + 2] - queries[2];
      if (const float distance = dx * dx + dy * dy + dz * dz; distance < least) {
        least = distance;
        nearest[i] = p;
      }
    }
  }
  return 0;
}

int launch_select_components(const float* keys, int64_t* selected, int64_t* rest, int64_t num_rows,
                             int32_t N, int32_t H, int32_t num_selected, void* /*stream*/) {
  keys = host(keys);
  selected = host(selected);
  rest = host(rest);
  const auto rank = [&](int32_t j) {
    return std::isnan(keys[j]) ? -std::numeric_limits<float>::infinity() : keys[j];
  };
  for (int64_t row = 0; row < num_rows; ++row, keys += N) {
    std::vector<int32_t> others;
    for (int32_t j = 0; j < N; ++j) {
      if (j != row / H % N) {
        others.push_back(j);
      }
    }
    std::stable_sort(others.begin(), others.end(),
                     [&](int32_t a, int32_t b) { return rank(a) > rank(b); });
    const auto first_left = others.begin() + num_selected;
    std::sort(first_left, others.end());
    selected = std::copy(others.begin(), first_left, selected);
    rest = std::copy(first_left, others.end(), rest);
  }
  return 0;
}

}  // namespace moca::ops
