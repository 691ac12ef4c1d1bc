#include "moca/training/dit_training.h"

#include <ATen/ATen.h>

#include "asset_loader.h"
#include "dit_measurements.h"
#include "moca/core/generator.h"
#include "moca/core/transfer.h"
#include "moca/flow/rectified_flow.h"

namespace moca::training {

namespace {

class DitStage : public Stage {
 public:
  explicit DitStage(const DitTrainingSetup& setup)
      : Stage(dit_measurement_names()),
        denoiser_(setup.denoiser),
        config_(setup.config),
        flow_(setup.flow),
        seed_(setup.batches.seed),
        batches_(setup) {
    if (config_.activation_checkpointing) {
      denoiser_->dit()->checkpoint_activations();
    }
  }

  torch::nn::Module& model() override { return *denoiser_; }
  Batches& batches() override { return batches_; }

  // Sec. 3.3.2: latents with noise of one level for all components of an asset, the condition
  // dropped with some chance, the velocity that the model predicts from both.
  at::Tensor loss(MicroBatch micro_batch) override {
    const auto batch = batches_.batch(micro_batch);
    const int64_t B = batch.latents.size(0);
    const auto device = batch.latents.device();
    auto generator = generator_for(seed_, "DiT step", micro_batch.step, micro_batch.index);

    const auto noisy =
        flow::add_noise(batch.latents, generator, flow_);  // one noise level for all N
    const auto kept = to_device(
        at::rand({B}, generator, at::TensorOptions()) >= config_.condition_dropout, device);
    auto conditions = denoiser_->conditions(batch.inputs, batch.component_mask);
    for (auto& condition : conditions) {
      condition = dit::dropped(condition, kept);
    }
    const auto component_ids = dit::draw_component_ids(
        B, batch.latents.size(1), denoiser_->dit()->config().codebook_size, generator);

    const auto velocity =
        denoiser_->velocity({noisy.noisy_latents, to_device(noisy.noise_level, device),
                             to_device(component_ids, device), batch.component_mask, conditions},
                            generator);
    measure_losses(measurements_, noisy, velocity, batch.component_mask);
    return flow::velocity_loss(
        velocity, noisy.velocity, batch.component_mask,
        flow::loss_weight(noisy.noise_level, flow_.loss_weighting));  // Eq. 9
  }

  double flops(MicroBatch batch) override { return batches_.flops(batch); }

  NamedValues take_measurements(distributed::ProcessGroup& group) override {
    measure_routers(measurements_, denoiser_->dit());
    return Stage::take_measurements(group);
  }

 private:
  generation::ComponentDenoiser denoiser_;
  DitTrainingConfig config_;
  flow::FlowConfig flow_;
  uint64_t seed_;
  AssetLoader batches_;
};

}  // namespace

std::unique_ptr<Stage> dit_stage(const DitTrainingSetup& setup) {
  return std::make_unique<DitStage>(setup);
}

}  // namespace moca::training
