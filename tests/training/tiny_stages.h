#pragma once

#include <torch/types.h>

#include <memory>

#include "moca/training/dit_training.h"
#include "moca/training/vae_training.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {

// Both stages on tiny models and a dataset of a few assets.
class TinyStages : public testing::WithTinyDataset {
 protected:
  static BatchSetup tiny_batches(int64_t batch_size) {
    BatchSetup batches;
    batches.rule.batch_size = batch_size;
    batches.num_threads = 1;
    batches.seed = 3;
    return batches;
  }

  static VaeTrainingConfig vae_config() {
    VaeTrainingConfig config;
    config.num_query_points = 16;
    return config;
  }
  static std::unique_ptr<Stage> make_vae_stage(const vae::VecsetVae& vae = testing::tiny_vae(),
                                               const VaeTrainingConfig& config = vae_config()) {
    return vae_stage(vae, dataset_, config, tiny_batches(4));
  }

  static DitTrainingSetup dit_setup() {
    DitTrainingSetup setup;
    setup.vae = testing::tiny_vae();
    setup.dataset = dataset_;
    setup.config.num_cached_encodings = 2;
    setup.batches = tiny_batches(2);
    torch::manual_seed(2);
    setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(),
                                                   testing::tiny_image_encoder_config(), 4);
    return setup;
  }
};

// What exact resuming rests on: a step's loss depends on the step and the parameters alone.
inline void expect_losses_of_the_step_alone(Stage& stage, Stage& other) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> losses;
  for (int64_t step = 0; step < 6; ++step) {
    losses.push_back(stage.loss({step}));
    for (int64_t before = 0; before < step; ++before) {
      EXPECT_FALSE(at::equal(losses[step], losses[before])) << step << " repeats " << before;
    }
  }
  for (const int64_t step : {4, 1, 1, 5, 0}) {  // neither in order nor from the start
    EXPECT_TRUE(at::equal(other.loss({step}), losses[step])) << "step " << step;
  }
}

}  // namespace moca::training
