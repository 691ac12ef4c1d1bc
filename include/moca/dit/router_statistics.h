#pragma once

#include "moca/ops/moc_attention.h"

namespace moca::dit {

// How a router behaves, means over the components, heads and assets of one routing.
struct RouterStatistics {
  double importance = 0;  // of the others: the gate's mean
  double entropy = 0;     // of the importance over the others, 1 where all are as important
  double load = 0;        // how often the most selected component of an asset is selected, 1 where
                          // all are selected as often, N where it is always the same
};

// A routing between two or more components.
RouterStatistics statistics_of(const ops::Routing& routing);

}  // namespace moca::dit
