#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// Which checkpoints stay: the last `last` (at least one), and those whose step is a multiple of
// `every` (0: none of them).
struct Retention {
  int64_t last = 1;
  int64_t every = 0;
};

// Tensors by the name of their file: model.safetensors, ...
using TensorFiles = std::map<std::string, NamedTensors>;

// checkpoints/step_00001000
std::filesystem::path step_folder(const std::filesystem::path& checkpoints, int64_t step);

// Writes the files of one checkpoint, its state.json and a manifest with all checksums into a
// temporary folder and renames it to step_XXXXXXXX, so that a kill at any moment leaves a whole
// checkpoint or none; then removes those that need not stay. A folder of that step that exists is
// kept as it is. With too little space on the disk it writes and removes nothing.
void write_checkpoint(const std::filesystem::path& checkpoints, int64_t step,
                      const TensorFiles& files, const std::string& state_json, Retention keep);

// The step of the newest checkpoint whose files are all there with the bytes that were written, or
// nothing. Says which newer ones are damaged.
std::optional<int64_t> latest_good_step(const std::filesystem::path& checkpoints);

// Makes room for a run to go on after its newest good checkpoint: removes what killed writers left
// behind and renames newer, damaged checkpoints to damaged_step_XXXXXXXX.
void tidy_up(const std::filesystem::path& checkpoints);

}  // namespace moca::checkpoint
