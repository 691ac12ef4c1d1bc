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

// A share of a training step: what one process computes at once.
struct MicroBatch {
  int64_t step = 0;
  int64_t index = 0;  // among the step's

  bool operator==(const MicroBatch&) const = default;
};

// How a step is cut into micro-batches.
struct MicroBatchRule {
  int64_t num_micro_batches = 1;  // of a step, all processes together
  int64_t batch_size = 1;         // samples of each; with max_components as many as fit
  int64_t max_components = 0;     // of each: samples are added until the next does not fit; 0: any
};

// Which samples every micro-batch of a run holds. It depends on the seed and the rule alone and not
// on the number of processes, so that any number of them trains on the same data in the same order.
class MicroBatchPlan {
 public:
  // num_components: of every sample.
  MicroBatchPlan(std::vector<int64_t> num_components, MicroBatchRule rule, uint64_t seed);

  const std::vector<int64_t>& samples(MicroBatch batch);
  // How many samples of the step come before those of the micro-batch.
  int64_t place(MicroBatch batch);
  // How many components it holds.
  int64_t num_components(MicroBatch batch);
  // The share of the step's components that the micro-batch holds: its weight in the step's loss,
  // which is a mean over components.
  double weight(MicroBatch batch);

 private:
  void go_to(int64_t step);
  std::vector<int64_t> draw_micro_batch();
  int64_t components_of(const std::vector<int64_t>& samples) const;

  std::vector<int64_t> num_components_;
  MicroBatchRule rule_;
  DataOrder order_;
  // The step that was asked for last, and the position in the order after it.
  int64_t step_ = -1;
  int64_t position_ = 0;
  std::vector<std::vector<int64_t>> micro_batches_;
};

}  // namespace moca::data
