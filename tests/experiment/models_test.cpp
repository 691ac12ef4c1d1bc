#include "moca/experiment/models.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "moca/dit/dense_tokens.h"
#include "moca/experiment/convert_run.h"
#include "moca/generation/conditioner.h"
#include "moca/generation/image_conditioner.h"
#include "moca/pretrained/write_pretrained.h"
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

TEST_F(Models, AnExportGeneratesTheLatentsOfItsRun) {
  const testing::TemporaryFolder folder;
  const auto run = runs_->dit_config();
  convert_run(run, folder / "export");
  const auto config = pretrained_config(folder / "export", {});
  EXPECT_EQ(config.vae.num_tokens, run.vae.num_tokens);
  auto of_run = load_generator(run, at::kCPU);
  auto of_export = load_pretrained_generator(config, std::nullopt, at::kCPU);
  const generation::Request request = {Image(23, 16, 3, 90), 3, 5};
  EXPECT_TRUE(
      bit_equal(of_export.generate_latents({request})[0], of_run.generate_latents({request})[0]));
}

// Weights of the kinds that upstream publishes, from a run's export.
class PublicWeights : public Models {
 protected:
  // As upstream would have written it: without what our exports add.
  RunConfig config(const std::vector<std::string>& overrides) const {
    return pretrained_config(folder_.path(), overrides);
  }
  void SetUp() override {
    const auto run = runs_->dit_config();
    pretrained::write_vae(folder_.path(), testing::tiny_vae(), vae::LatentStatistics(4));
    pretrained::write_image_encoder(folder_.path(), image_encoder::ImageEncoder(run.image_encoder));
    image_encoder::PreprocessConfig preprocess;
    preprocess.shortest_edge = preprocess.crop_width = preprocess.crop_height = 16;
    pretrained::write_preprocessor(folder_.path(), preprocess);
    write_dit(dit::GlobalAttentionKind::kDense, 8);
  }
  void write_dit(dit::GlobalAttentionKind kind, int64_t codebook_size) const {
    auto config = testing::tiny_dit_config();
    config.global_attention = kind;
    config.codebook_size = codebook_size;
    torch::manual_seed(1);
    pretrained::write_dit(folder_.path(),
                          dit::MocaDit(config, 4, dit::ConditionKinds{{"image", 16}}), 4, 16);
    const auto file = folder_ / "transformer/config.json";
    auto json = nlohmann::json::parse(read_file(file));
    json.erase("_exported_by");
    write_file(file, json.dump());
  }
  at::Tensor latents(const std::vector<std::string>& overrides, int64_t num_components) const {
    auto settings = overrides;
    settings.insert(settings.end(), {"vae.num_tokens=6", "sampler.num_steps=2"});
    auto generator = load_pretrained_generator(config(settings), at::kFloat, at::kCPU);
    return generator.generate_latents({{Image(16, 16, 3, 90), num_components, 5}})[0];
  }

  testing::TemporaryFolder folder_;
};

TEST_F(Models, ARunWithAConditionBesideTheImageIsNotConverted) {
  generation::register_condition(
      {{"places", "where every component is", config::NoSettings()}, [](const config::Choice&) {
         return generation::ImageConditioner::make(testing::tiny_image_encoder_config());
       }});
  const testing::TemporaryFolder folder;
  auto config = runs_->dit_config();
  config.condition.kind = generation::known_conditions();
  config.condition.kind.name = "places";
  EXPECT_THAT(refusal([&] { convert_run(config, folder / "export"); }),
              HasSubstr("was trained with condition.kind places, which the layout"));
  EXPECT_FALSE(std::filesystem::exists(folder / "export"));
}

TEST_F(PublicWeights, CropImagesToTheirForegroundUnlessToldAndExportsAsTheirRun) {
  EXPECT_TRUE(config({}).sampler.crop_to_foreground);
  EXPECT_FALSE(config({"sampler.crop_to_foreground=false"}).sampler.crop_to_foreground);
  const testing::TemporaryFolder folder;
  auto run = runs_->dit_config();
  for (const bool crop : {false, true}) {
    const auto name = folder / (crop ? "crops" : "does_not");
    run.sampler.crop_to_foreground = crop;
    convert_run(run, name);
    EXPECT_EQ(pretrained_config(name, {}).sampler.crop_to_foreground, crop);
  }
}

TEST_F(PublicWeights, AreSampledWithUpstreamsNumbers) {
  const auto partcrafter = config({});
  EXPECT_EQ(partcrafter.vae.num_tokens, 1024);
  EXPECT_EQ(partcrafter.sampler.num_steps, 50);
  EXPECT_EQ(partcrafter.sampler.guidance_scale, 7.0);
  write_dit(dit::GlobalAttentionKind::kNone, 0);
  EXPECT_EQ(config({}).vae.num_tokens, 2048);
  EXPECT_EQ(config({"vae.num_tokens=6"}).vae.num_tokens, 6);
}

TEST_F(PublicWeights, HaveNoGuidanceAtOneAndBelow) {
  const auto none = latents({"sampler.guidance_scale=1"}, 2);
  EXPECT_TRUE(bit_equal(latents({"sampler.guidance_scale=0.5"}, 2), none));
  EXPECT_TRUE(bit_equal(latents({"sampler.guidance_scale=0"}, 2), none));
  EXPECT_FALSE(at::equal(latents({"sampler.guidance_scale=1.5"}, 2), none));
}

TEST_F(PublicWeights, CountIdsOverBothHalvesOfGuidance) {
  EXPECT_EQ(latents({}, 4).size(0), 4);
  EXPECT_THAT(refusal([&] { latents({}, 5); }), HasSubstr("ids for 1 to 4"));
  EXPECT_EQ(latents({"sampler.guidance_scale=1"}, 8).size(0), 8);
}

TEST_F(PublicWeights, WithoutPartEmbeddingGiveAnyNumberOfParts) {
  write_dit(dit::GlobalAttentionKind::kDense, 0);
  EXPECT_EQ(latents({}, 40).size(0), 40);
  write_dit(dit::GlobalAttentionKind::kNone, 0);  // TripoSG
  EXPECT_THAT(refusal([&] { latents({}, 2); }), HasSubstr("ids for 1 to 1"));
}

TEST_F(PublicWeights, AreNotSampledWithTensorsThatNobodyTrained) {
  EXPECT_THAT(refusal([&] { latents({"dit.codebook_size=9"}, 2); }),
              HasSubstr("'part_embedding.weight' has 8 rows, but dit.codebook_size is 9"));
  EXPECT_THAT(refusal([&] { latents({"dit.global_attention=moc"}, 2); }),
              HasSubstr("'packing.compression_queries' has 0 rows"));
}

TEST_F(Models, ADecoderIsHeldToTheFieldOfItsVaesOwnRun) {
  auto config = runs_->dit_config("steep");
  config.vae_training.truncation = 5;  // the VAE's run says otherwise
  config.decoder.max_slope = 0.5;
  EXPECT_THAT(refusal([&] { vae_of(config, at::kCPU); }),
              HasSubstr("decoder.max_slope (0.5) must be at least 1 / vae_training.truncation"));
}

TEST_F(Models, DenseAttentionOfAsManyPairsGetsFewerTokens) {
  auto config = runs_->dit_config("dense");
  config.dit.global_attention = dit::GlobalAttentionKind::kDense;
  const int64_t all = vae_of(config, at::kCPU)->config().num_tokens;
  config.dit.dense_tokens = dit::DenseTokens::kSamePairs;
  const auto vae = vae_of(config, at::kCPU);
  const int64_t fewer =
      dit::dense_tokens_of_same_pairs(config.dit, all, config.data.max_components);
  EXPECT_LT(fewer, all);
  EXPECT_EQ(vae->config().num_tokens, fewer);
  config.training.max_steps = 2;
  train_run(config);  // and trains with them
  const testing::TemporaryFolder folder;
  convert_run(config, folder / "export");
  EXPECT_EQ(pretrained_config(folder / "export", {}).vae.num_tokens, fewer);
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
              HasSubstr("holds no checkpoint. Train it: moca train " +
                        (config.folder() / "config.yaml").string() + " --resume."));
}

}  // namespace
}  // namespace moca::experiment
