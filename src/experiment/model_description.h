#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moca/experiment/evaluation_result.h"

namespace moca::experiment {

ModelDescription describe_run(const RunConfig& config, std::vector<std::string> accepted);

// Of weights in the layout of TripoSG and PartCrafter, held and computed in `precision`, with the
// settings that were given beside them.
ModelDescription describe_weights(const RunConfig& config, const std::filesystem::path& folder,
                                  const std::string& precision,
                                  const std::vector<std::string>& overrides);

nlohmann::ordered_json json_of(const ModelDescription& model);

}  // namespace moca::experiment
