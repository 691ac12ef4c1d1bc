#include "moca/data/data_order.h"

#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "moca/core/random.h"

namespace moca::data {

DataOrder::DataOrder(int64_t count, uint64_t seed)
    : count_(count), seed_(seed), permutation_(count) {
  if (count < 1) {
    throw std::logic_error("a data order needs at least one sample, got " + std::to_string(count));
  }
}

int64_t DataOrder::sample(int64_t position) {
  if (position / count_ != epoch_) {
    epoch_ = position / count_;
    std::iota(permutation_.begin(), permutation_.end(), 0);
    for (int64_t last = count_ - 1; last > 0; --last) {  // Fisher-Yates
      const uint64_t drawn = stream_seed(stream_seed(seed_, "data order", epoch_), "swap", last);
      std::swap(permutation_[last], permutation_[drawn % (last + 1)]);
    }
  }
  return permutation_[position % count_];
}

}  // namespace moca::data
