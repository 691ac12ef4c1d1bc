#pragma once

#include <future>

#include "moca/checkpoint/write_checkpoint.h"

namespace moca::checkpoint {

// Writes checkpoints while training goes on: `save` copies the tensors, a thread writes the copy.
// The copies' memory is kept for the next time.
class CheckpointWriter {
 public:
  // Writes this process's `part` of every checkpoint.
  CheckpointWriter(std::filesystem::path checkpoints, Retention keep, CheckpointPart part = {});
  ~CheckpointWriter();

  // Takes the memory of the copies on a thread, so that the first `save` does not wait for it.
  void reserve_memory(const CheckpointContent& content);
  // Waits for the checkpoint before, throws what went wrong with it, and begins this one.
  void save(int64_t step, const CheckpointContent& content);
  // Waits until what was saved is on the disk; throws what went wrong.
  void finish();

 private:
  std::filesystem::path checkpoints_;
  Retention keep_;
  CheckpointPart part_;
  CheckpointContent copy_;
  std::future<void> writing_;
};

}  // namespace moca::checkpoint
