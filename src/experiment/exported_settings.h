#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Settings by their paths, with values as YAML.
using NamedSettings = std::vector<std::pair<std::string, std::string>>;

// Those whose paths `wanted` accepts.
NamedSettings settings_of(const RunConfig& config, bool (*wanted)(const std::string& path));

// The settings that generating depends on and that neither weights nor the parts' configs hold:
// number of tokens, size of the image, sampler, decoder, precision.
NamedSettings exported_settings(const RunConfig& config);

// Sets them to the values of an export's model_index.json and then to `overrides`. A setting that
// neither has is an Error that names it.
void apply_exported_settings(const NamedSettings& stored, const std::filesystem::path& folder,
                             const std::vector<std::string>& overrides, RunConfig* config);

}  // namespace moca::experiment
