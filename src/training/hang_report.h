#pragma once

#include <filesystem>
#include <string>

#include "moca/distributed/process_group.h"

namespace moca::training {

// Ends this process, which has been `seconds` in one phase: says on which rank, in which phase and
// operation, and writes what the process group did last beside the log. Nothing is waited for.
[[noreturn]] void end_hanging_run(const distributed::ProcessGroup& group,
                                  const std::filesystem::path& run_folder, const std::string& phase,
                                  double seconds);

}  // namespace moca::training
