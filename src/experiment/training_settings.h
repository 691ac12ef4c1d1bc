#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "moca/config/binding.h"
#include "moca/experiment/run_config.h"

// What a run that is to be trained takes from its inputs: settings that a config leaves out are
// those of the dataset and of the VAE's run, and settings that contradict them are refused, before
// any model is made.
namespace moca::experiment {

// Refuses a dataset or a VAE's run that is not there, with the command that makes it. `file` and
// `overrides` are what the config was read from.
void require_inputs(const RunConfig& config, const std::filesystem::path& file,
                    const std::vector<std::string>& overrides);

// The defaults of a config, which is as it was written: the settings of the VAE that it names.
RunConfig defaults_of_inputs(const RunConfig& written);

// Makes the data settings of `config`, to which `binding` is bound, those of its dataset. Refuses
// what was assigned and is not as the dataset or the VAE has it.
void take_settings_of_inputs(const config::Binding& binding, RunConfig& config);

// Refuses a model of which no size is set and that starts from no weights: the defaults are the
// sizes of public weights. A forgotten `base:` is the usual reason.
void require_sizes(const config::Binding& binding, const RunConfig& config);

}  // namespace moca::experiment
