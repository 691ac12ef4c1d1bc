#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace moca::checkpoint {

// checkpoints/step_00001000
std::filesystem::path step_folder(const std::filesystem::path& checkpoints, int64_t step);

// The same as long as it is being written.
std::filesystem::path unfinished_folder(const std::filesystem::path& checkpoints, int64_t step);

// The steps of all checkpoints, ascending, whatever is in them.
std::vector<int64_t> steps_in(const std::filesystem::path& checkpoints);

// The step of the newest checkpoint whose files are all there with the bytes that were written, or
// nothing. Says which newer ones are damaged.
std::optional<int64_t> latest_good_step(const std::filesystem::path& checkpoints);

// Makes room for a run to go on after its newest good checkpoint: removes what killed writers left
// behind and renames newer, damaged checkpoints to damaged_step_XXXXXXXX.
void tidy_up(const std::filesystem::path& checkpoints);

}  // namespace moca::checkpoint
