#include "moca/ops/farthest_point_sampling.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>
#include <vector>

#include "moca/core/shapes.h"

#ifdef MOCA_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "farthest_point_sampling.cuh"
#endif

namespace moca::ops {
namespace {

void sample_one(const float* points, int64_t num_points, int64_t* indices, int64_t count) {
  std::vector<float> distances(num_points, std::numeric_limits<float>::infinity());
  int64_t chosen = 0;
  indices[0] = 0;
  for (int64_t round = 1; round < count; ++round) {
    const float x = points[chosen * 3];
    const float y = points[chosen * 3 + 1];
    const float z = points[chosen * 3 + 2];
    float farthest = -1.0F;
    for (int64_t p = 0; p < num_points; ++p) {
      const float dx = points[p * 3] - x;
      const float dy = points[p * 3 + 1] - y;
      const float dz = points[p * 3 + 2] - z;
      const float distance = std::min(distances[p], dx * dx + dy * dy + dz * dz);
      distances[p] = distance;
      if (distance > farthest) {
        farthest = distance;
        chosen = p;
      }
    }
    indices[round] = chosen;
  }
}

#ifdef MOCA_CUDA
void sample_on_gpu(const at::Tensor& points, at::Tensor& indices) {
  const c10::cuda::CUDAGuard guard(points.device());
  const auto distances = at::empty({points.size(0), points.size(1)}, points.options());
  const int failure = launch_farthest_point_sampling(
      points.data_ptr<float>(), distances.data_ptr<float>(), indices.data_ptr<int64_t>(),
      points.size(0), points.size(1), indices.size(1),
      c10::cuda::getCurrentCUDAStream(points.device().index()).stream());
  TORCH_CHECK(failure == 0, "farthest_point_sampling on ", points.device(), ": CUDA error ",
              failure);
}
#endif

}  // namespace

at::Tensor farthest_point_sampling(const at::Tensor& points, int64_t count) {
  const auto [n, P, three] = shape<3>(points, "points [n, P, 3]");
  TORCH_CHECK(three == 3, "expected points [n, P, 3], got ", points.sizes());
  TORCH_CHECK(count >= 1 && count <= P, "count must lie in [1, P = ", P, "], got ", count);
  const auto dense = points.to(at::kFloat).contiguous();
  auto indices = at::empty({n, count}, points.options().dtype(at::kLong));
#ifdef MOCA_CUDA
  if (points.is_cuda()) {
    sample_on_gpu(dense, indices);
    return indices;
  }
#endif
  TORCH_CHECK(points.is_cpu(), "farthest_point_sampling was built without CUDA, got points on ",
              points.device());
  const float* source = dense.data_ptr<float>();
  int64_t* target = indices.data_ptr<int64_t>();
  const int64_t num_points = P;
  at::parallel_for(0, n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t set = begin; set < end; ++set) {
      sample_one(source + set * num_points * 3, num_points, target + set * count, count);
    }
  });
  return indices;
}

}  // namespace moca::ops
