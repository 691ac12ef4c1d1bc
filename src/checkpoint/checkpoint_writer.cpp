#include "moca/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <string>
#include <utility>

#include "moca/core/logging.h"

namespace moca::checkpoint {

namespace {

// The tensors on the CPU, in the memory that `copies` has from the last time.
void copy_into(TensorFiles& copies, const TensorFiles& files) {
  for (const auto& [name, tensors] : files) {
    auto& targets = copies[name];
    targets.resize(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto& [key, tensor] = tensors[i];
      auto& [copied_key, copied] = targets[i];
      if (copied_key != key || copied.sizes() != tensor.sizes()) {
        copied_key = key;
        copied = at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
      }
      copied.copy_(tensor.detach());
    }
  }
}

}  // namespace

CheckpointWriter::CheckpointWriter(std::filesystem::path checkpoints, Retention keep,
                                   CheckpointPart part)
    : checkpoints_(std::move(checkpoints)), keep_(keep), part_(part) {}

CheckpointWriter::~CheckpointWriter() {
  try {
    finish();
  } catch (const std::exception& failure) {  // another one is on its way already
    log::warn(failure.what());
  }
}

void CheckpointWriter::save(int64_t step, const CheckpointContent& content) {
  finish();
  copy_into(copy_.whole, content.whole);
  copy_into(copy_.shards, content.shards);
  copy_.state_json = content.state_json;
  writing_ = std::async(std::launch::async, [this, step] {
    write_checkpoint(checkpoints_, step, copy_, keep_, part_);
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
