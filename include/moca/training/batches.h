#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moca/data/micro_batch_plan.h"
#include "moca/training/training_config.h"

namespace moca::training {

using data::MicroBatch;

// Which micro-batches one process computes: of every step each `stride`-th from `first` on.
struct MicroBatchShare {
  int64_t first = 0;
  int64_t stride = 1;
  int64_t num_micro_batches = 1;  // of a step

  MicroBatch after(MicroBatch batch) const {
    return is_last(batch) ? MicroBatch{batch.step + 1, first}
                          : MicroBatch{batch.step, batch.index + stride};
  }
  bool is_last(MicroBatch batch) const { return batch.index + stride >= num_micro_batches; }
  std::vector<MicroBatch> of_step(int64_t step) const;
};

// The share of process `rank` of `world_size`. Throws Error when the micro-batches of a step cannot
// be divided evenly.
MicroBatchShare share_of(int rank, int world_size, const TrainingConfig& config);

// How a process draws its micro-batches.
struct BatchSetup {
  data::MicroBatchRule rule;
  MicroBatchShare share;
  int64_t num_threads = 0;  // that load ahead
  uint64_t seed = 0;        // of the order, and of everything drawn in a step
};

// Where micro-batches come from. All about one depends on its step and index alone, so that it does
// not matter which process computes it and what was computed before.
class Batches {
 public:
  virtual ~Batches() = default;

  // Waits until the data of the micro-batch is there.
  virtual void load(MicroBatch /*batch*/) {}
  // The micro-batch's share of the step's loss; those of a step add up to 1.
  virtual double weight(MicroBatch batch) = 0;
  // The assets in it, for a person: "chair_0003, lamp_0007".
  virtual std::string asset_names(MicroBatch batch) = 0;
  // 0: not known.
  virtual int64_t num_components(MicroBatch /*batch*/) { return 0; }
};

}  // namespace moca::training
