#pragma once

#include <cstdint>
#include <vector>

namespace moca::data {

// The order in which a run sees its samples: every epoch a new permutation, drawn from the seed and
// the epoch alone. The position is the whole state, so a resumed run goes on where it stopped.
class DataOrder {
 public:
  DataOrder(int64_t count, uint64_t seed);

  // The sample at `position` (0 the run's first).
  int64_t sample(int64_t position);

 private:
  int64_t count_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  std::vector<int64_t> permutation_;
};

}  // namespace moca::data
