#include "moca/ops/nearest_points.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>

#include "moca/core/shapes.h"

#ifdef MOCA_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "nearest_points.cuh"
#endif

namespace moca::ops {
namespace {

int64_t nearest_of(const float* query, const float* points, int64_t Q) {
  float least = std::numeric_limits<float>::infinity();
  int64_t nearest = 0;
  for (int64_t p = 0; p < Q; ++p) {
    const float dx = points[p * 3] - query[0], dy = points[p * 3 + 1] - query[1],
                dz = points[p * 3 + 2] - query[2];
    const float distance = dx * dx + dy * dy + dz * dz;
    if (distance < least) {
      least = distance;
      nearest = p;
    }
  }
  return nearest;
}

}  // namespace

at::Tensor nearest_points(const at::Tensor& queries, const at::Tensor& points) {
  const auto [P, three] = shape<2>(queries, "queries [P, 3]");
  const auto [Q, three_too] = shape<2>(points, "points [Q, 3]");
  TORCH_CHECK(three == 3 && three_too == 3 && Q >= 1 && queries.device() == points.device() &&
                  queries.scalar_type() == at::kFloat && points.scalar_type() == at::kFloat,
              "expected queries [P, 3] and points [Q, 3] in float on one device, Q >= 1, got ",
              queries.toString(), " ", queries.sizes(), " and ", points.toString(), " ",
              points.sizes());
  const auto nearest = at::empty({P}, queries.options().dtype(at::kLong));
  if (P == 0) {
    return nearest;
  }
  const auto from = queries.contiguous(), to = points.contiguous();
#ifdef MOCA_CUDA
  if (queries.is_cuda()) {
    const c10::cuda::CUDAGuard guard(queries.device());
    const int failure = launch_nearest_points(
        from.data_ptr<float>(), to.data_ptr<float>(), nearest.data_ptr<int64_t>(), P, Q,
        c10::cuda::getCurrentCUDAStream(queries.device().index()).stream());
    TORCH_CHECK(failure == 0, "nearest_points on ", queries.device(), ": CUDA error ", failure);
    return nearest;
  }
#endif
  TORCH_CHECK(queries.is_cpu(), "nearest_points was built without CUDA, got points on ",
              queries.device());
  const auto* const query = from.const_data_ptr<float>();
  const auto* const point = to.const_data_ptr<float>();
  auto* const result = nearest.data_ptr<int64_t>();
  const int64_t count = Q;
  at::parallel_for(0, P, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      result[i] = nearest_of(query + i * 3, point, count);
    }
  });
  return nearest;
}

}  // namespace moca::ops
