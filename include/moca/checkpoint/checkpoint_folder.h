#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "moca/checkpoint/safetensors.h"

namespace moca::checkpoint {

// checkpoints/step_00001000
std::filesystem::path step_folder(const std::filesystem::path& checkpoints, int64_t step);

// Writes the files of one checkpoint (model.safetensors, ...) and its state.json into a temporary
// folder and renames it to step_XXXXXXXX, so that a kill at any moment leaves a whole checkpoint or
// none; then removes the oldest beyond the last `keep`. A folder of that step that exists is kept
// as it is.
void write_checkpoint(const std::filesystem::path& checkpoints, int64_t step,
                      const std::map<std::string, NamedTensors>& files,
                      const std::string& state_json, int64_t keep);

// The step of the newest checkpoint that is complete, or nothing.
std::optional<int64_t> latest_step(const std::filesystem::path& checkpoints);

// Removes what killed writers left behind.
void remove_unfinished(const std::filesystem::path& checkpoints);

}  // namespace moca::checkpoint
