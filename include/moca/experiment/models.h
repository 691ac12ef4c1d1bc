#pragma once

#include <optional>

#include "moca/experiment/run_config.h"
#include "moca/generation/component_generator.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

// The averaged VAE of a finished or interrupted run of stage vae, frozen.
vae::VecsetVae load_vae(const std::filesystem::path& run_folder, c10::Device device);

// The frozen VAE that a config uses: its own run's in stage vae, else that of vae_run or of
// pretrained.vae.
vae::VecsetVae vae_of(const RunConfig& config, c10::Device device);

// The denoiser that training starts from: initial weights, and public ones where the config names
// them. Without vae_run its latent statistics are those of the pretrained VAE.
generation::ComponentDenoiser initial_denoiser(const RunConfig& config, int64_t latent_channels);

// The averaged denoiser of a run of stage dit.
generation::ComponentDenoiser load_denoiser(const RunConfig& config, int64_t latent_channels);

// The averaged model of a run of stage dit with its VAE, ready to generate.
generation::ComponentGenerator load_generator(const RunConfig& config, c10::Device device);

// The pipeline of a model folder in the layout of TripoSG and PartCrafter, see `pretrained_config`.
// An export of ours generates what its run generates; public weights get DINOv2's preprocessing and
// PartCrafter's part ids. Weights are held and computed in `type` (float or bf16); without a type
// in float, under autocast where an export's run was.
generation::ComponentGenerator load_pretrained_generator(const RunConfig& config,
                                                         std::optional<at::ScalarType> type,
                                                         c10::Device device);

}  // namespace moca::experiment
