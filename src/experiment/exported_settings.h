#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// The settings that generating depends on and that neither weights nor the parts' configs hold:
// number of tokens, size of the image, sampler, decoder, precision. As {name, value}.
std::vector<std::pair<std::string, std::string>> exported_settings(const RunConfig& config);

// Sets them to the values of an export's model_index.json and then to `overrides`. A setting that
// neither has is an Error that names it.
void apply_exported_settings(const std::vector<std::pair<std::string, std::string>>& stored,
                             const std::filesystem::path& folder,
                             const std::vector<std::string>& overrides, RunConfig* config);

}  // namespace moca::experiment
