#pragma once

#include <cstdint>
#include <vector>

namespace moca::data {

// The order in which a run sees its samples: every epoch a new permutation, drawn from the seed and
// the epoch alone. The step is the whole state, so a resumed run goes on where it stopped.
class DataOrder {
 public:
  DataOrder(int64_t count, uint64_t seed);

  // The samples of step `step`; a batch may span two epochs.
  std::vector<int64_t> batch(int64_t step, int64_t batch_size);

 private:
  int64_t count_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  std::vector<int64_t> permutation_;
};

}  // namespace moca::data
