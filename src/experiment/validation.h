#pragma once

#include <memory>

#include "moca/data/prepared_dataset.h"
#include "moca/experiment/run_config.h"
#include "moca/generation/component_denoiser.h"
#include "moca/training/trainer.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

// Scores what a model in training can do: the mean scores of training.validation_assets fixed
// assets (held out ones, where there are some), as the VAE reconstructs them or, with a denoiser,
// as they are generated from their images. Draws from streams of its own and changes nothing.
training::Validation validation_of(const RunConfig& config,
                                   const std::shared_ptr<const data::PreparedDataset>& dataset,
                                   const vae::VecsetVae& vae,
                                   const generation::ComponentDenoiser& denoiser);

}  // namespace moca::experiment
