#include "moca/training/batches.h"

#include "moca/core/error.h"

namespace moca::training {

std::vector<MicroBatch> MicroBatchShare::of_step(int64_t step) const {
  std::vector<MicroBatch> batches;
  for (MicroBatch batch{step, first}; batch.step == step; batch = after(batch)) {
    batches.push_back(batch);
  }
  return batches;
}

MicroBatchShare share_of(int rank, int world_size, const TrainingConfig& config) {
  if (config.micro_batches % world_size != 0) {
    throw Error("training.micro_batches (", config.micro_batches, ") cannot be divided among ",
                world_size,
                " processes. Set it to a multiple of their number, or start another number.");
  }
  return {rank, world_size, config.micro_batches};
}

}  // namespace moca::training
