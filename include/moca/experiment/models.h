#pragma once

#include "moca/experiment/run_config.h"
#include "moca/generation/component_generator.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

// The averaged VAE of a finished or interrupted run of stage vae.
vae::VecsetVae load_vae(const std::filesystem::path& run_folder, c10::Device device);

// The averaged model of a run of stage dit with its VAE, ready to generate.
generation::ComponentGenerator load_generator(const RunConfig& config, c10::Device device);

}  // namespace moca::experiment
