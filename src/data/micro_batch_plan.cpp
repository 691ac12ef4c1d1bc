#include "moca/data/micro_batch_plan.h"

#include <algorithm>
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

MicroBatchPlan::MicroBatchPlan(std::vector<int64_t> num_components, MicroBatchRule rule,
                               uint64_t seed)
    : num_components_(std::move(num_components)),
      rule_(rule),
      order_(std::ssize(num_components_), seed) {
  const int64_t most = *std::ranges::max_element(num_components_);
  if (rule_.max_components > 0 && most > rule_.max_components) {
    throw std::logic_error("a sample of " + std::to_string(most) +
                           " components does not fit a micro-batch of " +
                           std::to_string(rule_.max_components));
  }
}

const std::vector<int64_t>& MicroBatchPlan::samples(MicroBatch batch) {
  go_to(batch.step);
  return micro_batches_.at(batch.index);
}

int64_t MicroBatchPlan::place(MicroBatch batch) {
  go_to(batch.step);
  int64_t place = 0;
  for (int64_t i = 0; i < batch.index; ++i) {
    place += static_cast<int64_t>(micro_batches_.at(i).size());
  }
  return place;
}

int64_t MicroBatchPlan::num_components(MicroBatch batch) { return components_of(samples(batch)); }

double MicroBatchPlan::weight(MicroBatch batch) {
  go_to(batch.step);
  int64_t all = 0;
  for (const auto& samples : micro_batches_) {
    all += components_of(samples);
  }
  return static_cast<double>(components_of(micro_batches_.at(batch.index))) /
         static_cast<double>(all);
}

// Where micro-batches are filled up, a step begins where the one before ended: an earlier step is
// found by counting from the first again, a matter of additions.
void MicroBatchPlan::go_to(int64_t step) {
  if (step < step_) {
    step_ = -1;
    position_ = 0;
  }
  if (rule_.max_components == 0 && step > step_) {
    position_ = step * rule_.num_micro_batches * rule_.batch_size;
    step_ = step - 1;
  }
  for (; step_ < step; ++step_) {
    micro_batches_.resize(rule_.num_micro_batches);
    std::ranges::generate(micro_batches_, [&] { return draw_micro_batch(); });
  }
}

std::vector<int64_t> MicroBatchPlan::draw_micro_batch() {
  std::vector<int64_t> samples;
  int64_t held = 0;
  while (true) {
    const int64_t sample = order_.sample(position_);
    held += num_components_[sample];
    const bool full = rule_.max_components > 0 ? held > rule_.max_components
                                               : std::ssize(samples) == rule_.batch_size;
    if (full) {
      return samples;
    }
    samples.push_back(sample);
    ++position_;
  }
}

int64_t MicroBatchPlan::components_of(const std::vector<int64_t>& samples) const {
  return std::accumulate(samples.begin(), samples.end(), int64_t{0},
                         [&](int64_t sum, int64_t i) { return sum + num_components_[i]; });
}

}  // namespace moca::data
