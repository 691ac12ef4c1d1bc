#pragma once

#include <filesystem>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Writes the averaged weights of a run as a model folder in the layout of TripoSG and PartCrafter:
// of stage vae the VAE, of stage dit all parts. Refuses a folder that exists, and another VAE than
// the run was trained on unless told to accept it.
void convert_run(const RunConfig& config, const std::filesystem::path& output,
                 bool accept_changed_data = false);

}  // namespace moca::experiment
