#include "moca/experiment/models.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/safetensors.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"

namespace moca::experiment {
namespace {

using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;

class Models : public TrainedRuns {
 protected:
  static checkpoint::SafetensorsFile file(const RunConfig& config, const char* name) {
    return checkpoint::SafetensorsFile(checkpoint::step_folder(config.folder() / "checkpoints", 4) /
                                       name);
  }
  static generation::Request request() { return {Image(16, 16, 3, 90), 2, 5}; }
};

TEST_F(Models, TheVaeHasTheNewestAveragedWeights) {
  const auto config = runs_->vae_config();
  const auto vae = load_vae(config.folder(), at::kCPU);
  const auto averaged = file(config, "ema.safetensors");
  const auto last = file(config, "model.safetensors");
  double difference = 0;
  for (const auto& item : vae->named_parameters()) {
    EXPECT_TRUE(bit_equal(item.value(), averaged.read(item.key()))) << item.key();
    difference += (item.value() - last.read(item.key())).abs().sum().item<double>();
  }
  EXPECT_GT(difference, 0.0) << "averaged and last weights cannot be told apart";
}

TEST_F(Models, TheVaeIsFrozen) {
  const auto vae = load_vae(runs_->vae_config().folder(), at::kCPU);
  EXPECT_FALSE(vae->is_training());
  for (const auto& parameter : vae->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
}

TEST_F(Models, AGeneratorFollowsTheSamplerOfItsConfig) {
  auto config = runs_->dit_config();
  auto one_step = config;
  one_step.sampler.num_steps = 1;
  auto generator = load_generator(config, at::kCPU);
  auto same = load_generator(config, at::kCPU);
  auto other = load_generator(one_step, at::kCPU);
  const auto latents = generator.generate_latents({request()})[0];
  EXPECT_TRUE(bit_equal(same.generate_latents({request()})[0], latents));
  EXPECT_FALSE(at::equal(other.generate_latents({request()})[0], latents));
}

TEST_F(Models, AVaeRunCannotGenerate) {
  EXPECT_THAT(refusal([&] { load_generator(runs_->vae_config(), at::kCPU); }),
              HasSubstr("is of stage vae and cannot generate: name a run of stage dit"));
}

TEST_F(Models, ADitRunIsNoVae) {
  EXPECT_THAT(refusal([&] { load_vae(runs_->dit_config().folder(), at::kCPU); }),
              HasSubstr("is of stage dit, a VAE is needed: name a run of stage vae"));
}

TEST_F(Models, ADitOfAnotherArchitectureIsRefused) {
  auto config = runs_->dit_config();
  config.dit.num_layers = 5;
  EXPECT_THAT(refusal([&] { load_generator(config, at::kCPU); }),
              HasSubstr("The checkpoint is of another architecture"));
}

TEST_F(Models, ARunWithoutACheckpointIsRefused) {
  auto config = runs_->dit_config();
  config.name = "never_trained";
  EXPECT_THAT(refusal([&] { load_generator(config, at::kCPU); }),
              HasSubstr("holds no checkpoint. Train it: moca train CONFIG"));
}

}  // namespace
}  // namespace moca::experiment
