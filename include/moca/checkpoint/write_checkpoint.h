#pragma once

#include <chrono>

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// Tensors by the name of their file: model.safetensors, ...
using TensorFiles = std::map<std::string, NamedTensors>;

// What a process writes of a checkpoint.
struct CheckpointContent {
  TensorFiles whole;       // of the first process
  TensorFiles shards;      // every process has some of these files' tensors
  std::string state_json;  // of the first process
};

// Which of the processes that write one checkpoint together; they share a file system.
struct CheckpointPart {
  int index = 0;
  int count = 1;
  std::chrono::seconds patience{600};  // of the first one, with the others
};

// Which checkpoints stay: the last `last` (at least one), and those whose step is a multiple of
// `every` (0: none of them).
struct Retention {
  int64_t last = 1;
  int64_t every = 0;
};

// Writes one checkpoint, its state.json and a manifest with the checksums of all files into a
// temporary folder and renames it to step_XXXXXXXX, so that a kill at any moment leaves a whole
// checkpoint or none; then removes those that need not stay. A folder of that step that exists is
// kept as it is. With too little space on the disk it writes and removes nothing.
//
// Several processes each write their part. The first one waits for the others and does the rest;
// files of which all have tensors become X-00001-of-0000N.safetensors and an index.
void write_checkpoint(const std::filesystem::path& checkpoints, int64_t step,
                      const CheckpointContent& content, Retention keep, CheckpointPart part = {});

// The file X.safetensors of a checkpoint, or the index of its shards.
std::filesystem::path weights_file(const std::filesystem::path& checkpoint,
                                   const std::string& name);

}  // namespace moca::checkpoint
