#pragma once

#include <memory>

#include "moca/data/prepared_dataset.h"
#include "moca/flow/noise_density.h"
#include "moca/generation/component_denoiser.h"
#include "moca/training/stage.h"
#include "moca/vae/vecset_vae.h"

namespace moca::training {

struct DitTrainingSetup {
  generation::ComponentDenoiser denoiser{nullptr};
  vae::VecsetVae vae{nullptr};  // frozen
  std::shared_ptr<const data::PreparedDataset> dataset;
  DitTrainingConfig config;
  flow::FlowConfig flow;
  BatchSetup batches;
  bool measure_latents = true;  // false: the denoiser's latent statistics are used as they are
};

// The MoCA stage (Sec. 3.3.2): latents of all components of an asset from the frozen VAE, one noise
// level per asset, velocity matching. Measures the latents' statistics over the training split
// first, if asked to.
std::unique_ptr<Stage> dit_stage(const DitTrainingSetup& setup);

}  // namespace moca::training
