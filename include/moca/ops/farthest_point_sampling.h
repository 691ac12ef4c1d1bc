#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace moca::ops {

// Indices of `count` points chosen one after another, each the farthest from those chosen so far,
// beginning with point 0 (the order of torch_cluster's fps in eval mode; ties: the first).
// points: [n, P, 3] float. Returns [n, count] int64.
at::Tensor farthest_point_sampling(const at::Tensor& points, int64_t count);

}  // namespace moca::ops
