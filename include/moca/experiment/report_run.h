#pragma once

#include <filesystem>
#include <vector>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Makes the report of a run: report.html with scores, curves and tables, and, where the run was
// evaluated, contact_sheet_SPLIT.png beside it (image, reference, generated). They go to the
// run's folder; those of an evaluation that lies elsewhere go there, so that none replaces
// another's. Returns what it wrote.
std::vector<std::filesystem::path> report_run(const RunConfig& config,
                                              const std::filesystem::path& evaluation);

}  // namespace moca::experiment
