#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// What a result was made with, as it is written beside it.
struct ModelDescription {
  std::string folder;           // of the run, or of the weights
  std::optional<int64_t> step;  // of the run's checkpoint
  // Those of sampler and decoder, the precision, and those of the model that are not the run's own,
  // as they are written in YAML.
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> accepted;  // inputs that are not those of the training (check_inputs)
};

ModelDescription describe_run(const RunConfig& config, std::vector<std::string> accepted);

// Of weights in the layout of TripoSG and PartCrafter, held and computed in `precision`, with the
// settings that were given beside them.
ModelDescription describe_weights(const RunConfig& config, const std::filesystem::path& folder,
                                  const std::string& precision,
                                  const std::vector<std::string>& overrides);

}  // namespace moca::experiment
