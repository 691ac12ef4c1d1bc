#pragma once

#include <filesystem>

#include "moca/experiment/run_config.h"

// The folders that a run names. In a config file and on the command line a relative path begins at
// the working folder; a run's own config.yaml holds absolute ones, so that it works from
// everywhere.
namespace moca::experiment {

// Without a slash at its end.
std::filesystem::path absolute_folder(const std::filesystem::path& path);

RunConfig with_absolute_paths(RunConfig config);

// Throws Error for a folder that is there; `way_out`, a sentence, ends its message.
void require_new(const std::filesystem::path& folder, const std::string& way_out);

// For a run found at `run_folder` whose config says it is elsewhere: the run was moved or copied,
// and what stands to it as it stood to the original is taken from there.
void follow_moved_run(const std::filesystem::path& run_folder, RunConfig& config);

}  // namespace moca::experiment
