// The two stages' losses, on tiny models and a dataset of a few assets.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <map>
#include <set>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/module_state.h"
#include "moca/core/file_io.h"
#include "moca/core/generator.h"
#include "moca/training/dit_training.h"
#include "moca/training/dry_run.h"
#include "moca/training/trainer.h"
#include "moca/training/vae_training.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using ::testing::AllOf;
using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;
using testing::tiny_vae;

class TinyStages : public testing::WithTinyDataset {
 protected:
  static VaeTrainingConfig vae_config() {
    VaeTrainingConfig config;
    config.num_surface_points = 32;
    config.num_query_points = 16;
    return config;
  }
  static BatchSetup batches(int64_t batch_size) {
    BatchSetup batches;
    batches.rule.batch_size = batch_size;
    batches.num_threads = 1;
    batches.seed = 3;
    return batches;
  }
  static TrainingTask vae_task(const vae::VecsetVae& vae, const VaeTrainingConfig& config) {
    return vae_training(vae, dataset_, config, batches(4));
  }
  static TrainingTask vae_task() { return vae_task(tiny_vae(), vae_config()); }

  static DitTrainingSetup dit_setup() {
    DitTrainingSetup setup;
    setup.vae = tiny_vae();
    setup.dataset = dataset_;
    setup.config.num_cached_encodings = 2;
    setup.num_surface_points = 32;
    setup.batches = batches(2);
    torch::manual_seed(2);
    setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(),
                                                   testing::tiny_image_encoder_config(), 4);
    return setup;
  }
  static TrainingTask dit_task() { return dit_training(dit_setup()); }
};

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

// A whole run against one that was stopped after step 5 of 8 and continued.
class Resume : public TinyStages,
               public ::testing::WithParamInterface<std::tuple<std::string, Precision>> {};

TEST_P(Resume, ContinuesToTheSameBitsAsARunThatWasNeverStopped) {
  const auto make_task = [] { return std::get<0>(GetParam()) == "vae" ? vae_task() : dit_task(); };
  const testing::TemporaryFolder folder;
  TrainingConfig config;
  config.max_steps = 8;
  config.precision = std::get<1>(GetParam());
  config.checkpoint_every = 4;
  config.ema_decay = 0.9;
  config.optimizer.warmup_steps = 2;
  config.optimizer.learning_rate = 1e-3;
  const auto run = [&](const char* name, int64_t max_steps, bool resume) {
    std::filesystem::create_directories(folder / name);
    auto steps = config;
    steps.max_steps = max_steps;
    distributed::ProcessGroup alone;
    Trainer trainer(make_task(), steps, {alone, at::kCPU, folder / name});
    if (resume) {
      trainer.resume();
    }
    EXPECT_EQ(trainer.train(), StopReason::kFinished);
  };
  run("whole", 8, false);
  run("stopped", 5, false);
  run("stopped", 8, true);
  for (const char* name : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
    const auto bytes = [&](const char* of) {
      return read_file(checkpoint::step_folder(folder / of / "checkpoints", 8) / name);
    };
    EXPECT_EQ(bytes("stopped"), bytes("whole")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, Resume,
                         ::testing::Combine(::testing::Values("vae", "dit"),
                                            ::testing::Values(Precision::kFp32, Precision::kBf16)),
                         [](const auto& test) {
                           const bool in_bf16 = std::get<1>(test.param) == Precision::kBf16;
                           return std::get<0>(test.param) + (in_bf16 ? "_bf16" : "_fp32");
                         });

// What exact resuming rests on: a step's loss depends on the step and the parameters alone.
void expect_losses_of_the_step_alone(TrainingTask task, TrainingTask other) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> losses;
  std::set<double> different;
  for (int64_t step = 0; step < 6; ++step) {
    losses.push_back(task.loss({step}));
    different.insert(losses.back().item<double>());
  }
  EXPECT_EQ(different.size(), 6U) << "steps repeat one another";
  for (const int64_t step : {4, 1, 1, 5, 0}) {  // neither in order nor from the start
    EXPECT_TRUE(bit_equal(other.loss({step}), losses[step])) << "step " << step;
  }
}

TEST_F(TinyStages, TheVaesLossDependsOnTheStepAlone) {
  expect_losses_of_the_step_alone(vae_task(), vae_task());
}

TEST_F(TinyStages, TheDitsLossDependsOnTheStepAlone) {
  expect_losses_of_the_step_alone(dit_task(), dit_task());
}

TEST_F(TinyStages, EveryParameterOfTheVaeLearns) {
  const auto task = vae_task();
  task.loss({0}).backward();
  for (const auto& item : task.model->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
  }
}

TEST_F(TinyStages, TheVaeLearnsTheFieldOfAFewComponents) {
  const testing::TemporaryFolder run;
  TrainingConfig config;
  config.max_steps = 150;
  config.precision = Precision::kFp32;
  config.optimizer.warmup_steps = 2;
  config.optimizer.learning_rate = 1e-3;
  auto task = vae_task();
  const auto mean_loss = [&] {
    const torch::NoGradGuard no_grad;
    double sum = 0;
    for (int64_t step = 1000; step < 1010; ++step) {
      sum += task.loss({step}).item<double>() / 10;
    }
    return sum;
  };
  const double before = mean_loss();
  distributed::ProcessGroup alone;
  Trainer(task, config, {alone, at::kCPU, run.path()}).train();
  EXPECT_LT(mean_loss(), 0.7 * before);
}

// The loss of a VAE whose field is 0 everywhere.
class ConstantField : public TinyStages {
 protected:
  static double loss_of(const VaeTrainingConfig& config) {
    const torch::NoGradGuard no_grad;
    auto vae = tiny_vae();
    for (const auto& item : vae->named_parameters()) {
      if (item.key().find("decoder.proj_out") == 0) {
        item.value().zero_();
      }
    }
    return vae_task(vae, config).loss({0}).item<double>();
  }
};

TEST_F(ConstantField, IsAFairCoinForOccupancy) {
  auto config = vae_config();
  config.kl_weight = 0;
  config.target = FieldTarget::kOccupancy;
  EXPECT_NEAR(loss_of(config), std::log(2.0), 1e-6);
}

TEST_F(ConstantField, IsOffByOneWhereDistancesAreClippedHard) {
  auto config = vae_config();
  config.kl_weight = 0;
  config.truncation = 1e-7;  // every distance is clipped to +-1
  EXPECT_NEAR(loss_of(config), 1.0, 1e-6);
  config.truncation = 0.1;  // those near the surface are smaller
  EXPECT_LT(loss_of(config), 1.0);
  config.truncation = 100;  // none is clipped
  EXPECT_LT(loss_of(config), 1e-3);
}

TEST_F(ConstantField, ThePosteriorsDivergenceCountsByItsWeight) {
  auto config = vae_config();
  const auto with_weight = [&](double weight) {
    config.kl_weight = weight;
    return loss_of(config);
  };
  const double once = with_weight(1) - with_weight(0);
  EXPECT_GT(once, 0.0);
  EXPECT_NEAR(with_weight(3) - with_weight(0), 3 * once, 1e-5);
}

TEST_F(TinyStages, TheDitTrainsOnLatentsOfMeanZeroAndDeviationOne) {
  auto setup = dit_setup();
  setup.config.num_cached_encodings = 0;
  const auto before = checkpoint::state_of(*setup.vae);
  dit_training(setup);
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

TEST_F(TinyStages, TheVaeIsNeitherTrainedNorStoredByTheDitStage) {
  const auto setup = dit_setup();
  const auto task = dit_training(setup);
  task.loss({0}).backward();
  for (const auto& parameter : setup.vae->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
  for (const auto& [name, tensor] : checkpoint::state_of(*task.model)) {
    EXPECT_THAT(name, ::testing::AnyOf(::testing::StartsWith("dit."),
                                       ::testing::StartsWith("image_encoder."),
                                       ::testing::StartsWith("latent_statistics.")));
  }
}

TEST_F(TinyStages, TheImageEncoderLearnsFromAssetsThatKeepTheirPictureOnly) {
  auto setup = dit_setup();
  setup.config.condition_dropout = 0;
  dit_training(setup).loss({0}).backward();
  EXPECT_GT(largest_gradient(*setup.denoiser, "image_encoder."), 0.0);
  EXPECT_GT(largest_gradient(*setup.denoiser, "dit."), 0.0);
  setup = dit_setup();
  setup.config.condition_dropout = 1;
  dit_training(setup).loss({0}).backward();
  EXPECT_EQ(largest_gradient(*setup.denoiser, "image_encoder."), 0.0);
  EXPECT_GT(largest_gradient(*setup.denoiser, "dit."), 0.0);
}

TEST_F(TinyStages, PicturesOfAnotherSizeAreRefused) {
  auto setup = dit_setup();
  auto config = testing::tiny_image_encoder_config();
  config.image_size = 24;
  setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), config, 4);
  EXPECT_THAT(refusal([&] { dit_training(setup); }),
              AllOf(HasSubstr("pictures are 16 pixels wide, image_encoder.image_size is 24"),
                    HasSubstr("Set data.views.image_size to it")));
}

TEST_F(TinyStages, AssetsOfMoreComponentsThanIdsAreRefusedBeforeTheFirstStep) {
  auto setup = dit_setup();
  auto config = testing::tiny_dit_config();
  config.codebook_size = 1;
  setup.denoiser = generation::ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  EXPECT_THAT(refusal([&] { dit_training(setup); }),
              AllOf(HasSubstr("the dataset's asset '0000_"),
                    HasSubstr("dit.codebook_size has ids for 1. Raise it")));
}

TEST_F(TinyStages, AModelWithoutACodebookTakesAssetsOfAnySize) {
  auto setup = dit_setup();
  auto config = testing::tiny_dit_config();
  config.codebook_size = 0;
  setup.denoiser = generation::ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  const auto task = dit_training(setup);
  EXPECT_TRUE(std::isfinite(task.loss({0}).item<double>()));
}

TEST_F(TinyStages, FewerSurfacePointsThanTokensAreRefused) {
  auto setup = dit_setup();
  setup.num_surface_points = 7;
  EXPECT_THAT(
      refusal([&] { dit_training(setup); }),
      HasSubstr("vae_training.num_surface_points (7) must be at least the VAE's num_tokens (8)"));
}

TEST_F(TinyStages, TheDitTellsItsLossByNoiseLevelAndWhatItsRoutersDo) {
  const auto task = dit_task();
  distributed::ProcessGroup alone;
  double mean = 0;
  for (int64_t step = 0; step < 20; ++step) {
    mean += task.loss({step}).item<double>() / 20;
  }
  task.look();
  std::map<std::string, double> measured;
  for (const auto& [name, value] : task.measurements->take(alone)) {
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

TEST_F(TinyStages, TheVaeTellsTheTwoPartsOfItsLoss) {
  const auto task = vae_task();
  distributed::ProcessGroup alone;
  const double loss = task.loss({0}).item<double>();
  const auto measured = task.measurements->take(alone);
  ASSERT_EQ(measured.size(), 2U);
  EXPECT_NEAR(measured[0].second + vae_config().kl_weight * measured[1].second, loss, 1e-6);
}

TEST_F(TinyStages, AnEncoderOfSevenChannelsLearnsFromComponentMasks) {
  auto setup = dit_setup();
  auto encoder = testing::tiny_image_encoder_config();
  encoder.num_channels = 7;
  torch::manual_seed(2);
  setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), encoder, 4);
  setup.config.condition_dropout = 0.0;
  const auto task = dit_training(setup);
  task.loss({0}).backward();
  const auto gradient = setup.denoiser->image_encoder()
                            ->named_parameters()["embeddings.patch_embeddings.projection.weight"]
                            .grad();
  ASSERT_TRUE(gradient.defined());
  for (int64_t channel = 0; channel < 7; ++channel) {
    EXPECT_GT(gradient.select(1, channel).abs().max().item<double>(), 0.0) << channel;
  }
}

TEST_F(TinyStages, CountsThreeForwardPassesOfWhatItTrainsAndOneOfTheRest) {
  auto setup = dit_setup();
  const auto& encoder = setup.denoiser->image_encoder()->config();
  const auto task = dit_training(setup);
  const auto counts = task.num_components({0});
  const double all = task.flops({0});
  EXPECT_GT(all, 0.0);
  auto uncached = setup;
  uncached.config.num_cached_encodings = 0;
  const double with_encodings = dit_training(uncached).flops({0});
  EXPECT_DOUBLE_EQ(with_encodings - all,
                   static_cast<double>(counts) * tiny_vae()->config().encode_flops(32));
  auto frozen_config = testing::tiny_image_encoder_config();
  frozen_config.trainable = false;
  auto frozen = setup;
  frozen.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(), frozen_config, 4);
  EXPECT_DOUBLE_EQ(all - dit_training(frozen).flops({0}), 2.0 * 2.0 * encoder.forward_flops());
}

TEST_F(TinyStages, ABudgetOfComponentsFillsTheMicroBatch) {
  auto setup = dit_setup();
  setup.batches.rule = {2, 1, 8};
  const auto task = dit_training(setup);
  for (int64_t step = 0; step < 6; ++step) {
    double weights = 0;
    for (const int64_t index : {0, 1}) {
      EXPECT_LE(task.num_components({step, index}), 8);
      EXPECT_FALSE(task.contents({step, index}).empty());
      weights += task.weight({step, index});
    }
    EXPECT_NEAR(weights, 1.0, 1e-12);
  }
  EXPECT_TRUE(std::isfinite(task.loss({3, 1}).item<double>()));
  setup.batches.rule.max_components = 1;
  EXPECT_THAT(
      refusal([&] { dit_training(setup); }),
      AllOf(HasSubstr("dit_training.max_components has room for 1"), HasSubstr("Raise it")));
}

TEST_F(TinyStages, ADryRunFindsTheLargestMicroBatchAndWhatAStepNeeds) {
  const auto task = dit_task();
  TrainingConfig config;
  config.precision = Precision::kFp32;
  const auto found = dry_run(task, config, {}, 1, c10::kCPU);
  int64_t parameters = 0, largest = 0;
  for (const auto& parameter : task.model->parameters()) {
    parameters += parameter.requires_grad() ? parameter.numel() : 0;
  }
  for (int64_t step = 0; step < kDryRunSteps; ++step) {
    largest = std::max(largest, task.num_components({step}));
  }
  EXPECT_EQ(found.num_parameters, parameters);
  EXPECT_EQ(found.largest_components, largest);
  EXPECT_GT(found.seconds_per_step, 0.0);
  EXPECT_GT(found.tflops_per_step, 0.0);
  EXPECT_GT(found.peak, found.states);
  EXPECT_GE(found.main_memory, found.states);
  const double bytes = static_cast<double>(parameters) * sizeof(float);
  EXPECT_NEAR(found.states * 1024 * 1024 * 1024, 5 * bytes, 0.3 * bytes)
      << "parameters, gradients, two moments, averages";
  EXPECT_THAT(text_of(found, config, c10::kCPU), HasSubstr("of main memory"));
}

}  // namespace
}  // namespace moca::training
