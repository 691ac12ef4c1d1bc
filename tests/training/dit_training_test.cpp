// The MoCA stage: its latents, conditions, losses and refusals.
#include "moca/training/dit_training.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <map>

#include "moca/checkpoint/module_state.h"
#include "moca/core/generator.h"
#include "tests/support/refusal.h"
#include "tests/training/tiny_stages.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

class DitTraining : public TinyStages {};

// The largest gradient of the parameters whose names contain `part`, 0 for none.
double largest_gradient(const torch::nn::Module& model, const std::string& part) {
  double largest = 0;
  for (const auto& item : model.named_parameters()) {
    if (item.key().find(part) != std::string::npos && item.value().grad().defined()) {
      largest = std::max(largest, item.value().grad().abs().max().item<double>());
    }
  }
  return largest;
}

TEST_F(DitTraining, LossDependsOnTheStepAlone) {
  expect_losses_of_the_step_alone(*dit_stage(dit_setup()), *dit_stage(dit_setup()));
}

TEST_F(DitTraining, TheDitTrainsOnLatentsOfMeanZeroAndDeviationOne) {
  auto setup = dit_setup();
  setup.config.num_cached_encodings = 0;
  const auto before = checkpoint::state_of(*setup.vae);
  dit_stage(setup);
  // Encodings drawn by somebody else fit the measured statistics.
  std::vector<at::Tensor> latents;
  const torch::NoGradGuard no_grad;
  for (const int64_t asset : dataset_->indices_of("train")) {
    for (int64_t i = 0; i < dataset_->records()[asset].num_components(); ++i) {
      const auto surface = dataset_->surface(asset, i);
      const auto posterior =
          setup.vae->encode(surface.points.unsqueeze(0), surface.normals.unsqueeze(0),
                            generator_for(9, "points", asset, i));
      latents.push_back(posterior.sample(at::randn(
          posterior.mean.sizes(), generator_for(9, "noise", asset, i), at::TensorOptions())));
    }
  }
  const auto standardised =
      setup.denoiser->latent_statistics()->standardise(at::cat(latents)).flatten(0, 1);
  EXPECT_LT(standardised.mean(0).abs().max().item<double>(), 0.5);
  EXPECT_LT((standardised.std(0) - 1.0).abs().max().item<double>(), 0.4);
}

TEST_F(DitTraining, TheVaeIsNeitherTrainedNorStoredByTheDitStage) {
  const auto setup = dit_setup();
  const auto stage = dit_stage(setup);
  stage->loss({0}).backward();
  for (const auto& parameter : setup.vae->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
  for (const auto& [name, tensor] : checkpoint::state_of(stage->model())) {
    EXPECT_THAT(name, ::testing::AnyOf(::testing::StartsWith("dit."),
                                       ::testing::StartsWith("image_encoder."),
                                       ::testing::StartsWith("latent_statistics.")));
  }
}

TEST_F(DitTraining, TheImageEncoderLearnsFromAssetsThatKeepTheirImageOnly) {
  auto setup = dit_setup();
  setup.config.condition_dropout = 0;
  dit_stage(setup)->loss({0}).backward();
  EXPECT_GT(largest_gradient(*setup.denoiser, "image_encoder."), 0.0);
  EXPECT_GT(largest_gradient(*setup.denoiser, "dit."), 0.0);
  setup = dit_setup();
  setup.config.condition_dropout = 1;
  dit_stage(setup)->loss({0}).backward();
  EXPECT_EQ(largest_gradient(*setup.denoiser, "image_encoder."), 0.0);
  EXPECT_GT(largest_gradient(*setup.denoiser, "dit."), 0.0);
}

TEST_F(DitTraining, ImagesOfAnotherSizeAreRefused) {
  auto setup = dit_setup();
  auto config = testing::tiny_image_encoder_config();
  config.image_size = 24;
  setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), config, 4);
  EXPECT_THAT(refusal([&] { dit_stage(setup); }),
              AllOf(HasSubstr("images are 16 pixels wide, image_encoder.image_size is 24"),
                    HasSubstr("Set data.views.image_size to it")));
}

TEST_F(DitTraining, AssetsOfMoreComponentsThanIdsAreRefusedBeforeTheFirstStep) {
  auto setup = dit_setup();
  auto config = testing::tiny_dit_config();
  config.codebook_size = 1;
  setup.denoiser = generation::ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  EXPECT_THAT(refusal([&] { dit_stage(setup); }),
              AllOf(HasSubstr("the dataset's asset '0000_"),
                    HasSubstr("dit.codebook_size has ids for 1. Raise it")));
}

TEST_F(DitTraining, AModelWithoutACodebookTakesAssetsOfAnySize) {
  auto setup = dit_setup();
  auto config = testing::tiny_dit_config();
  config.codebook_size = 0;
  setup.denoiser = generation::ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  const auto stage = dit_stage(setup);
  EXPECT_TRUE(std::isfinite(stage->loss({0}).item<double>()));
}

TEST_F(DitTraining, FewerSurfacePointsThanTokensAreRefused) {
  auto setup = dit_setup();
  auto vae = testing::tiny_vae_config();
  vae.num_surface_points = 7;
  setup.vae = vae::VecsetVae(vae);
  EXPECT_THAT(refusal([&] { dit_stage(setup); }),
              HasSubstr("vae.num_surface_points (7) must be at least the VAE's num_tokens (8)"));
}

TEST_F(DitTraining, TheDitTellsItsLossByNoiseLevelAndWhatItsRoutersDo) {
  const auto stage = dit_stage(dit_setup());
  distributed::ProcessGroup alone;
  double mean = 0;
  for (int64_t step = 0; step < 20; ++step) {
    mean += stage->loss({step}).item<double>() / 20;
  }
  std::map<std::string, double> measured;
  for (const auto& [name, value] : stage->take_measurements(alone)) {
    measured[name] = value;
  }
  double of_ranges = 0;
  for (const char* range : {"0.00_to_0.25", "0.25_to_0.50", "0.50_to_0.75", "0.75_to_1.00"}) {
    ASSERT_TRUE(measured.count("loss_at_noise_" + std::string(range))) << range;
    of_ranges += measured["loss_at_noise_" + std::string(range)] / 4;
  }
  EXPECT_NEAR(of_ranges, mean, 0.5 * mean);
  EXPECT_GT(measured["router_importance"], 0.0);
  EXPECT_LT(measured["router_importance"], 1.0);
  EXPECT_GT(measured["router_entropy"], 0.0);
  EXPECT_LE(measured["router_entropy"], 1.0 + 1e-6);
  EXPECT_GE(measured["router_load"], 1.0 - 1e-6);
}

TEST_F(DitTraining, AnEncoderOfSevenChannelsLearnsFromComponentMasks) {
  auto setup = dit_setup();
  auto encoder = testing::tiny_image_encoder_config();
  encoder.num_channels = 7;
  torch::manual_seed(2);
  setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), encoder, 4);
  setup.config.condition_dropout = 0.0;
  const auto stage = dit_stage(setup);
  stage->loss({0}).backward();
  const auto gradient = setup.denoiser->image_encoder()
                            ->named_parameters()["embeddings.patch_embeddings.projection.weight"]
                            .grad();
  ASSERT_TRUE(gradient.defined());
  for (int64_t channel = 0; channel < 7; ++channel) {
    EXPECT_GT(gradient.select(1, channel).abs().max().item<double>(), 0.0) << channel;
  }
}

TEST_F(DitTraining, CountsThreeForwardPassesOfWhatItTrainsAndOneOfTheRest) {
  auto setup = dit_setup();
  const auto& encoder = setup.denoiser->image_encoder()->config();
  const auto stage = dit_stage(setup);
  const auto counts = stage->batches().num_components({0});
  const double all = stage->flops({0});
  EXPECT_GT(all, 0.0);
  auto uncached = setup;
  uncached.config.num_cached_encodings = 0;
  const double with_encodings = dit_stage(uncached)->flops({0});
  EXPECT_DOUBLE_EQ(with_encodings - all,
                   static_cast<double>(counts) * testing::tiny_vae()->config().encode_flops(32));
  auto frozen_config = testing::tiny_image_encoder_config();
  frozen_config.trainable = false;
  auto frozen = setup;
  frozen.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), frozen_config, 4);
  EXPECT_DOUBLE_EQ(all - dit_stage(frozen)->flops({0}), 2.0 * 2.0 * encoder.forward_flops());
}

TEST_F(DitTraining, ABudgetOfComponentsFillsTheMicroBatch) {
  auto setup = dit_setup();
  setup.batches.rule = {2, 1, 8};
  const auto stage = dit_stage(setup);
  for (int64_t step = 0; step < 6; ++step) {
    double weights = 0;
    for (const int64_t index : {0, 1}) {
      EXPECT_LE(stage->batches().num_components({step, index}), 8);
      EXPECT_FALSE(stage->batches().asset_names({step, index}).empty());
      weights += stage->batches().weight({step, index});
    }
    EXPECT_NEAR(weights, 1.0, 1e-12);
  }
  EXPECT_TRUE(std::isfinite(stage->loss({3, 1}).item<double>()));
  setup.batches.rule.max_components = 1;
  EXPECT_THAT(refusal([&] { dit_stage(setup); }),
              AllOf(HasSubstr("dit_training.max_components has room in a micro-batch for 1"),
                    HasSubstr("Raise it")));
}

}  // namespace
}  // namespace moca::training
