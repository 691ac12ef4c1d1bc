#pragma once

#include <ATen/core/Tensor.h>

#include "moca/ops/moc_attention.h"

namespace moca::dit {

// How a router behaves, means over the components, heads and assets of one routing: one number
// each, on the routing's device, so that the host need not wait for them.
struct RouterStatistics {
  at::Tensor importance;  // of the others: the gate's mean
  at::Tensor entropy;     // of the importance over the others, 1 where all are as important
  at::Tensor load;        // how often the most selected component of an asset is selected, 1 where
                    // all are selected as often, N where it is always the same, 0 where nobody
                    // selects
};

// A routing between two or more components.
RouterStatistics statistics_of(const ops::Routing& routing);

}  // namespace moca::dit
