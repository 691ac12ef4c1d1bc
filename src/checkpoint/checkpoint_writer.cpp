#include "moca/checkpoint/checkpoint_writer.h"

#include <ATen/ATen.h>

#include <cstring>
#include <string>

#include "moca/core/logging.h"
#include "moca/core/transfer.h"

namespace moca::checkpoint {

namespace {

// On the CPU, pinned where it is copied from a GPU. Of that memory there may be too little: a copy
// to other takes longer.
at::Tensor memory_for(const at::Tensor& tensor) {
  try {
    return empty_on_host(tensor);
  } catch (const c10::Error& refused) {
    if (tensor.is_cpu()) {
      throw;
    }
    log::warn("checkpoints are copied through memory that is not pinned, which takes longer: " +
              std::string(refused.what_without_backtrace()));
    return at::empty(tensor.sizes(), tensor.options().device(at::kCPU));
  }
}

// Tensors on the CPU with the names and sizes of `files`; those that fit are kept.
void allocate(TensorFiles& copies, const TensorFiles& files) {
  for (const auto& [name, tensors] : files) {
    auto& targets = copies[name];
    targets.resize(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto& [key, tensor] = tensors[i];
      auto& [copied_key, copied] = targets[i];
      if (copied_key != key || copied.sizes() != tensor.sizes()) {
        copied_key = key;
        copied = memory_for(tensor);
      }
    }
  }
}

void copy_into(TensorFiles& copies, const TensorFiles& files) {
  allocate(copies, files);
  c10::Device device = c10::kCPU;
  for (const auto& [name, tensors] : files) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      const auto& tensor = tensors[i].second;
      copies[name][i].second.copy_(tensor.detach(), /*non_blocking=*/true);
      device = tensor.is_cpu() ? device : tensor.device();
    }
  }
  wait_for_copies(device);
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

void CheckpointWriter::reserve_memory(const CheckpointContent& content) {
  finish();
  writing_ = std::async(std::launch::async, [this, content = content]() mutable {
    allocate(copy_.whole, content.whole);
    allocate(copy_.shards, content.shards);
    content = {};  // the future keeps this lambda, and with it references to the run's tensors
    // Memory is the process's own only once it is written to, which costs more than the copying.
    for (const auto* files : {&copy_.whole, &copy_.shards}) {
      for (const auto& [name, tensors] : *files) {
        for (const auto& [key, tensor] : tensors) {
          std::memset(tensor.mutable_data_ptr(), 0, tensor.nbytes());
        }
      }
    }
  });
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

}  // namespace moca::checkpoint
