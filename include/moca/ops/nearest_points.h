#pragma once

#include <ATen/core/Tensor.h>

namespace moca::ops {

// Of every query the index of the nearest point (L2; of equally near ones the first), by comparing
// every pair: what a GPU does faster than it walks a tree. On a CPU evaluation has a tree, and this
// is the definition for tests. queries: [P, 3] float, points: [Q, 3] float on the same device,
// Q >= 1, all finite. Returns [P] int64.
at::Tensor nearest_points(const at::Tensor& queries, const at::Tensor& points);

}  // namespace moca::ops
