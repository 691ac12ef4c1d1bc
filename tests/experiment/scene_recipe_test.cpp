#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "moca/experiment/models.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/source_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::experiment {
namespace {

constexpr const char* kPatchWeight = "embeddings.patch_embeddings.projection.weight";

// What the scene recipe says of the image encoder, on the tests' tiny models: it starts from an
// encoder of three channels.
class SceneRecipe : public ::testing::Test {
 protected:
  SceneRecipe() {
    train_run(runs_.vae_config());
    image_encoder::ImageEncoder of_objects(testing::tiny_image_encoder_config());
    pretrained::write_image_encoder(runs_ / "objects", of_objects);
  }

  RunConfig config() const {
    const auto file = testing::source_folder() / "configs/tiny_scene_1024.yaml";
    const auto recipe = load_config(
        file, {"pretrained.vae=", "pretrained.dit=", "pretrained.image_encoder=", "vae_run=vae"});
    auto config = runs_.dit_config("scene");
    config.image_encoder.trainable = recipe.image_encoder.trainable;
    config.image_encoder.num_channels = recipe.image_encoder.num_channels;
    config.pretrained.image_encoder = runs_ / "objects";
    config.pretrained.inflation = recipe.pretrained.inflation;
    config.adapter = recipe.adapter;
    return config;
  }

  TinyRuns runs_;
};

at::Tensor new_channels(const generation::ComponentDenoiser& denoiser) {
  return denoiser->image_encoder()->named_parameters()[kPatchWeight].detach().narrow(1, 3, 4);
}

// By how much the image tokens move when only the mask, the seventh channel, does.
double change_by_the_mask(generation::ComponentDenoiser denoiser) {
  const torch::NoGradGuard no_grad;
  const int64_t S = denoiser->image_encoder()->config().image_size;
  auto images = at::randn({1, 1, 7, S, S}, generator_for(2, "scene test"), at::TensorOptions());
  const auto present = at::ones({1, 1}, at::kBool);
  const auto masked = [&](double mask) {
    images.select(2, 6).fill_(mask);
    return denoiser->conditions({images}, present)[0].tokens;
  };
  return (masked(1) - masked(0)).abs().max().item<double>();
}

TEST_F(SceneRecipe, StartsBlindToTheNewChannelsAndLearnsToSeeThem) {
  auto before = initial_denoiser(config(), 4);
  EXPECT_EQ(new_channels(before).abs().max().item<double>(), 0.0);
  EXPECT_EQ(change_by_the_mask(before), 0.0);
  train_run(config());
  const auto after = load_denoiser(config(), 4);
  for (int64_t channel = 0; channel < 4; ++channel) {
    EXPECT_GT(new_channels(after).select(1, channel).abs().max().item<double>(), 1e-4) << channel;
  }
  EXPECT_GT(change_by_the_mask(after), 1e-4);
}

TEST_F(SceneRecipe, TrainsOfTheImageEncoderItsAdaptersAndThePatchProjectionAlone) {
  auto denoiser = initial_denoiser(config(), 4);
  for (const auto& item : denoiser->image_encoder()->named_parameters()) {
    const bool wanted = item.key().find("lora_") != std::string::npos ||
                        item.key().find("patch_embeddings.projection.") != std::string::npos;
    EXPECT_EQ(item.value().requires_grad(), wanted) << item.key();
  }
}

}  // namespace
}  // namespace moca::experiment
