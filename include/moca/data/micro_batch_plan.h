#pragma once

#include <cstdint>
#include <vector>

#include "moca/data/data_order.h"

namespace moca::data {

// A part of a training step: what one process computes at once.
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

  const std::vector<int64_t>& samples(MicroBatch which);
  // How many samples of the step come before those of the micro-batch.
  int64_t place(MicroBatch which);
  // How many components it holds.
  int64_t num_components(MicroBatch which);
  // The share of the step's components that the micro-batch holds: its weight in the step's loss,
  // which is a mean over components.
  double weight(MicroBatch which);

 private:
  void go_to(int64_t step);
  void draw_step();
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
