#pragma once

#include <memory>

#include "moca/data/prepared_dataset.h"
#include "moca/training/stage.h"
#include "moca/vae/vecset_vae.h"

namespace moca::training {

// The VAE stage: random components, encoded, sampled, queried at points with known signed distance.
// Loss: squared error of the clipped distance (or cross-entropy of occupancy) plus weighted KL.
std::unique_ptr<Stage> vae_stage(const vae::VecsetVae& vae,
                                 const std::shared_ptr<const data::PreparedDataset>& dataset,
                                 const VaeTrainingConfig& config, const BatchSetup& batches);

}  // namespace moca::training
