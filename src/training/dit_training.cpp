#include "moca/training/dit_training.h"

#include <ATen/ATen.h>

#include <vector>

#include "asset_loader.h"
#include "dit_measurements.h"
#include "moca/core/generator.h"
#include "moca/flow/rectified_flow.h"

namespace moca::training {
TrainingTask dit_training(const DitTrainingSetup& setup) {
  if (setup.config.activation_checkpointing) {
    setup.denoiser->dit()->checkpoint_activations();
  }
  const auto loader = std::make_shared<AssetLoader>(setup);
  const auto measurements = dit_measurements();
  const auto loss = [denoiser = setup.denoiser, config = setup.config, flow = setup.flow,
                     seed = setup.batches.seed, loader, measurements](MicroBatch which) mutable {
    const auto batch = loader->batch(which);
    const int64_t B = batch.latents.size(0);
    const auto device = batch.latents.device();
    auto generator = generator_for(seed, "DiT step", which.step, which.index);

    const auto noisy =
        flow::add_noise(batch.latents, generator, flow);  // one noise level for all N
    const auto kept =
        (at::rand({B}, generator, at::TensorOptions()) >= config.condition_dropout).to(device);
    auto conditions = denoiser->conditions(batch.inputs, batch.component_mask);
    for (auto& condition : conditions) {
      condition = dit::dropped(condition, kept);
    }
    const auto component_ids = dit::draw_component_ids(
        B, batch.latents.size(1), denoiser->dit()->config().codebook_size, generator);

    const auto velocity =
        denoiser->velocity({noisy.noisy_latents, noisy.noise_level, component_ids.to(device),
                            batch.component_mask, conditions},
                           generator);
    measure_losses(*measurements, noisy, velocity, batch.component_mask);
    return flow::velocity_loss(velocity, noisy.velocity, batch.component_mask,
                               flow::loss_weight(noisy.noise_level, flow.loss_weighting));  // Eq. 9
  };
  return {
      .model = setup.denoiser.ptr(),
      .load = [loader](MicroBatch which) { loader->load(which); },
      .loss = loss,
      .weight = [loader](MicroBatch which) { return loader->weight(which); },
      .contents = [loader](MicroBatch which) { return loader->contents(which); },
      .measurements = measurements,
      .look = [measurements, dit = setup.denoiser->dit()] { measure_routers(*measurements, dit); },
      .num_components = [loader](MicroBatch which) { return loader->num_components(which); },
      .flops = [loader](MicroBatch which) { return loader->flops(which); }};
}

}  // namespace moca::training
