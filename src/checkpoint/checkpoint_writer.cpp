#include "moca/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <utility>

#include "moca/core/logging.h"

namespace moca::checkpoint {

CheckpointWriter::CheckpointWriter(std::filesystem::path checkpoints, Retention keep)
    : checkpoints_(std::move(checkpoints)), keep_(keep) {}

CheckpointWriter::~CheckpointWriter() {
  try {
    finish();
  } catch (const std::exception& failure) {  // another one is on its way already
    log::warn(failure.what());
  }
}

const TensorFiles& CheckpointWriter::copy(const TensorFiles& files) {
  for (const auto& [name, tensors] : files) {
    auto& copies = copies_[name];
    copies.resize(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto& [key, tensor] = tensors[i];
      auto& [copied_key, copied] = copies[i];
      if (copied_key != key || copied.sizes() != tensor.sizes()) {
        copied_key = key;
        copied = at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
      }
      copied.copy_(tensor.detach());
    }
  }
  return copies_;
}

void CheckpointWriter::save(int64_t step, const TensorFiles& files, const std::string& state_json) {
  finish();
  writing_ = std::async(std::launch::async, [this, step, state_json, &copied = copy(files)] {
    write_checkpoint(checkpoints_, step, copied, state_json, keep_);
  });
}

void CheckpointWriter::finish() {
  if (writing_.valid()) {
    writing_.get();
  }
}

bool CheckpointWriter::busy() const {
  return writing_.valid() &&
         writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

}  // namespace moca::checkpoint
