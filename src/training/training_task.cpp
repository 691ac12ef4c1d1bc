#include "moca/training/training_task.h"

#include "moca/core/error.h"

namespace moca::training {

MicroBatchShare share_of(int rank, int world_size, const TrainingConfig& config) {
  if (config.micro_batches % world_size != 0) {
    throw Error("training.micro_batches (" + std::to_string(config.micro_batches) +
                ") cannot be divided among " + std::to_string(world_size) +
                " processes. Set it to a multiple of their number, or start another number.");
  }
  return {rank, world_size, config.micro_batches};
}

}  // namespace moca::training
