// What training and sampling hand to the DiT, seen by a recorder in its place.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <set>
#include <sstream>

#include "moca/core/generator.h"
#include "moca/flow/noise_density.h"
#include "moca/generation/component_generator.h"
#include "moca/image_encoder/preprocess.h"
#include "moca/training/dit_training.h"
#include "src/training/latent_source.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using testing::all_close;
using testing::bit_equal;

// Keeps every input and answers with `answer`, or zero velocity.
class RecorderImpl : public generation::ComponentDenoiserImpl {
 public:
  RecorderImpl()
      : ComponentDenoiserImpl(testing::tiny_dit_config(), testing::tiny_image_encoder_config(), 4) {
    latent_statistics()->set(at::tensor({0.5, -1.0, 2.0, 0.0}, at::kFloat),
                             at::tensor({2.0, 0.25, 1.5, 3.0}, at::kFloat));
  }

  at::Tensor velocity(const dit::DitInput& input,
                      const std::optional<at::Generator>& /*generator*/) override {
    inputs.push_back(input);
    return answer ? answer(input) : at::zeros_like(input.noisy_latents).requires_grad_();
  }

  std::vector<dit::DitInput> inputs;
  std::function<at::Tensor(const dit::DitInput&)> answer;
};

std::shared_ptr<RecorderImpl> recorder() {
  torch::manual_seed(6);
  return std::make_shared<RecorderImpl>();
}

// Numbers of one component that differ from those of every other, by the rows of [N, ...].
void expect_distinct_rows(const at::Tensor& rows) {
  for (int64_t i = 0; i < rows.size(0); ++i) {
    for (int64_t j = 0; j < i; ++j) {
      EXPECT_GT((rows[i] - rows[j]).abs().max().item<double>(), 1e-3) << i << " and " << j;
    }
  }
}

class TrainingHandsTheDit : public testing::WithTinyDataset {
 protected:
  TrainingHandsTheDit() {
    setup_.denoiser = generation::ComponentDenoiser(
        std::static_pointer_cast<generation::ComponentDenoiserImpl>(recorder_));
    setup_.vae = testing::tiny_vae();
    setup_.dataset = dataset_;
    setup_.config.num_cached_encodings = 1;
    setup_.config.condition_dropout = 0;
    setup_.batches.rule.batch_size = 3;
    setup_.batches.num_threads = 1;
    setup_.batches.seed = 3;
    setup_.measure_latents = false;
  }

  struct Step {
    dit::DitInput input;
    std::vector<int64_t> assets;
    double loss = 0;
  };

  Step step(int64_t number) {
    const auto stage = dit_stage(setup_);
    Step result;
    result.loss = stage->loss({number}).item<double>();
    result.input = recorder_->inputs.back();
    std::istringstream names(stage->batches().asset_names({number}));
    for (std::string name; std::getline(names, name, ',');) {
      name.erase(0, name.find_first_not_of(' '));
      for (size_t i = 0; i < dataset_->records().size(); ++i) {
        if (dataset_->records()[i].id == name) {
          result.assets.push_back(static_cast<int64_t>(i));
        }
      }
    }
    return result;
  }

  // The latents of an asset as the DiT is to see them: standardised.
  at::Tensor latents(int64_t asset) {
    LatentSource source(setup_.vae, dataset_, dataset_->indices_of("train"), 1,
                        setup_.batches.seed);
    return recorder_->latent_statistics()->standardise(
        source.latents(source.draw({{asset, 0}}))[0]);
  }

  // The noise that was mixed into asset b's latents [N, L, C].
  at::Tensor noise(const Step& step, int64_t b) {
    const auto clean = latents(step.assets[b]);
    const auto level = step.input.noise_level[b];
    return (step.input.noisy_latents[b].narrow(0, 0, clean.size(0)) - (1 - level) * clean) / level;
  }

  std::shared_ptr<RecorderImpl> recorder_ = recorder();
  DitTrainingSetup setup_;
};

TEST_F(TrainingHandsTheDit, EveryComponentThatThereIs) {
  const auto seen = step(0);
  ASSERT_EQ(seen.assets.size(), 3U);
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t count = dataset_->records()[seen.assets[b]].num_components();
    const auto expected = at::arange(seen.input.component_mask.size(1)) < count;
    EXPECT_TRUE(bit_equal(seen.input.component_mask[b], expected));
  }
}

TEST_F(TrainingHandsTheDit, StandardisedLatentsWithNoiseOfEveryComponentsOwn) {
  std::vector<at::Tensor> all;
  for (int64_t number = 0; number < 4; ++number) {
    const auto seen = step(number);
    for (int64_t b = 0; b < 3; ++b) {
      const auto of_asset = noise(seen, b);
      expect_distinct_rows(of_asset.flatten(1));
      all.push_back(of_asset.flatten());
    }
  }
  // Standard normal only if latents and levels are what they are said to be.
  const auto numbers = at::cat(all);
  const double count = static_cast<double>(numbers.numel());
  EXPECT_GT(count, 700);
  EXPECT_NEAR(numbers.mean().item<double>(), 0.0, 4 / std::sqrt(count));
  EXPECT_NEAR(numbers.std().item<double>(), 1.0, 4 / std::sqrt(2 * count));
}

TEST_F(TrainingHandsTheDit, ANoiseLevelOfEveryAssetAndItWantsTheVelocity) {
  const auto first = step(0);
  const auto& levels = first.input.noise_level;
  EXPECT_EQ(levels.sizes(), at::IntArrayRef({3}));
  expect_distinct_rows(levels.unsqueeze(1));
  EXPECT_GT(levels.min().item<double>(), 0.0);
  EXPECT_LT(levels.max().item<double>(), 1.0);
  EXPECT_GT(first.loss, 0.1);
  // noise - latents is what it wants: given that, nothing is left of the loss.
  recorder_->answer = [&](const dit::DitInput& input) {
    auto wanted = at::zeros_like(input.noisy_latents);
    for (int64_t b = 0; b < 3; ++b) {
      const auto clean = latents(first.assets[b]);
      wanted[b].narrow(0, 0, clean.size(0)).copy_(noise(first, b) - clean);
    }
    return wanted;
  };
  EXPECT_NEAR(step(0).loss, 0.0, 1e-6);
}

TEST_F(TrainingHandsTheDit, TheLossWeightOfTheLevel) {
  setup_.batches.rule.batch_size = 1;
  const auto plain = step(0);
  setup_.flow.loss_weighting = flow::LossWeighting::kSigmaSqrt;
  const auto weighted = step(0);
  const double level = plain.input.noise_level[0].item<double>();
  EXPECT_NEAR(weighted.loss, plain.loss / (level * level), 1e-4 * weighted.loss);
}

TEST_F(TrainingHandsTheDit, DistinctIdsThatAreDrawnAnewForEveryAssetAndStep) {
  std::set<std::string> drawn;
  for (int64_t number = 0; number < 3; ++number) {
    const auto seen = step(number);
    for (int64_t b = 0; b < 3; ++b) {
      const auto ids = seen.input.component_ids[b];
      EXPECT_EQ(std::get<0>(at::_unique(ids)).numel(), ids.numel());
      EXPECT_GE(ids.min().item<int64_t>(), 0);
      EXPECT_LT(ids.max().item<int64_t>(), testing::tiny_dit_config().codebook_size);
      std::ostringstream text;
      text << ids;
      drawn.insert(text.str());
    }
  }
  EXPECT_GT(drawn.size(), 6U);
}

TEST_F(TrainingHandsTheDit, OtherDrawsInEveryStepAndMicroBatchAndTheSameAgain) {
  setup_.batches.rule.num_micro_batches = 2;
  setup_.batches.rule.batch_size = 1;
  const auto stage = dit_stage(setup_);
  for (const auto batch :
       {MicroBatch{0, 0}, MicroBatch{0, 1}, MicroBatch{1, 0}, MicroBatch{0, 0}}) {
    stage->loss(batch);
  }
  const auto& inputs = recorder_->inputs;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_NE(inputs[i].noise_level.item<double>(), inputs[j].noise_level.item<double>());
    }
  }
  EXPECT_TRUE(bit_equal(inputs[3].noisy_latents, inputs[0].noisy_latents));
  EXPECT_TRUE(bit_equal(inputs[3].component_ids, inputs[0].component_ids));
}

TEST_F(TrainingHandsTheDit, TheImageOfEveryViewInTurnOrNone) {
  std::set<int64_t> views;
  for (int64_t number = 0; number < 6; ++number) {
    const auto seen = step(number);
    for (int64_t b = 0; b < 3; ++b) {
      for (const int64_t view : {0, 1}) {
        const auto bytes = dataset_->image(seen.assets[b], view).unsqueeze(0);
        const auto tokens = recorder_
                                ->conditions({image_encoder::normalise_images(bytes)},
                                             at::ones({1, 1}, at::kBool))[0]
                                .tokens;
        if (all_close(tokens[0], seen.input.conditions[0].tokens[b], 1e-4)) {
          views.insert(view);
        }
      }
    }
  }
  EXPECT_EQ(views, (std::set<int64_t>{0, 1}));
  setup_.config.condition_dropout = 1;
  EXPECT_EQ(step(0).input.conditions[0].tokens.abs().max().item<double>(), 0.0);
}

// A generator whose DiT is a recorder.
struct Sampled {
  explicit Sampled(double guidance_scale = 1) {
    at::set_num_threads(1);
    sampler.num_steps = 4;
    sampler.guidance_scale = guidance_scale;
  }

  std::vector<at::Tensor> latents(const std::vector<generation::Request>& requests) const {
    generation::ComponentGenerator generator(
        generation::ComponentDenoiser(
            std::static_pointer_cast<generation::ComponentDenoiserImpl>(denoiser)),
        testing::tiny_vae(), sampler, {}, false);
    return generator.generate_latents(requests);
  }
  const std::vector<dit::DitInput>& inputs() const { return denoiser->inputs; }

  std::shared_ptr<RecorderImpl> denoiser = recorder();
  flow::SamplerConfig sampler;
};

const std::vector<generation::Request>& two_requests() {
  static const std::vector<generation::Request> requests = {{Image(16, 16, 3, 40), 3, 1},
                                                            {Image(16, 16, 3, 200), 2, 2}};
  return requests;
}

TEST(SamplingHandsTheDit, NoiseOfEveryComponentsOwnAtLevelOne) {
  const Sampled sampled;
  sampled.latents(two_requests());
  ASSERT_EQ(sampled.inputs().size(), 4U);
  const auto& first = sampled.inputs().front();
  EXPECT_EQ(first.noise_level.min().item<double>(), 1.0);
  EXPECT_EQ(first.noise_level.sizes(), at::IntArrayRef({2}));
  const auto noise = at::cat({first.noisy_latents[0], first.noisy_latents[1].narrow(0, 0, 2)});
  expect_distinct_rows(noise.flatten(1));
  const double count = static_cast<double>(noise.numel());
  EXPECT_NEAR(noise.mean().item<double>(), 0.0, 4 / std::sqrt(count));
  EXPECT_NEAR(noise.std().item<double>(), 1.0, 4 / std::sqrt(2 * count));
  for (size_t i = 0; i < 4; ++i) {  // levels fall from 1 in equal steps without shift
    EXPECT_NEAR(sampled.inputs()[i].noise_level[0].item<double>(),
                1.0 - 0.25 * static_cast<double>(i), 1e-6);
  }
  EXPECT_TRUE(bit_equal(first.component_mask,
                        at::tensor({1, 1, 1, 1, 1, 0}, at::kLong).view({2, 3}).to(at::kBool)));
}

TEST(SamplingHandsTheDit, DistinctIdsOfEveryRequestsOwn) {
  const Sampled sampled;
  sampled.latents({{Image(16, 16, 3, 40), 6, 1}, {Image(16, 16, 3, 40), 6, 2}});
  const auto& ids = sampled.inputs().front().component_ids;
  for (const int64_t b : {0, 1}) {
    EXPECT_EQ(std::get<0>(at::_unique(ids[b])).numel(), 6);
  }
  EXPECT_FALSE(at::equal(ids[0], ids[1]));
}

TEST(SamplingHandsTheDit, TheSameToBothHalvesOfGuidanceButTheImage) {
  const Sampled sampled(3.0);
  sampled.latents(two_requests());
  const auto& inputs = sampled.inputs();
  ASSERT_EQ(inputs.size(), 8U);
  for (size_t i = 0; i < inputs.size(); i += 2) {
    EXPECT_TRUE(bit_equal(inputs[i].noisy_latents, inputs[i + 1].noisy_latents));
    EXPECT_TRUE(bit_equal(inputs[i].component_ids, inputs[i + 1].component_ids));
    EXPECT_TRUE(bit_equal(inputs[i].component_mask, inputs[i + 1].component_mask));
    EXPECT_TRUE(bit_equal(inputs[i].noise_level, inputs[i + 1].noise_level));
    EXPECT_TRUE(inputs[i].conditions[0].tokens.defined());
    EXPECT_FALSE(inputs[i + 1].conditions[0].tokens.defined());
    EXPECT_TRUE(bit_equal(inputs[i].component_ids, inputs[0].component_ids)) << "in every step";
  }
  EXPECT_FALSE(at::equal(inputs[0].conditions[0].tokens[0], inputs[0].conditions[0].tokens[1]));
}

TEST(SamplingHandsTheDit, TheNoiseFromWhichItsVelocityLeadsToTheLatents) {
  const Sampled sampled;
  const auto goal = at::randn({2, 3, 8, 4}, generator_for(5, "goal"), at::TensorOptions());
  at::Tensor noise;
  sampled.denoiser->answer = [&](const dit::DitInput& input) {
    noise = noise.defined() ? noise : input.noisy_latents;
    return noise - goal;
  };
  const auto latents = sampled.latents(two_requests());
  EXPECT_TRUE(all_close(latents[0], goal[0], 1e-5));
  EXPECT_TRUE(all_close(latents[1], goal[1].narrow(0, 0, 2), 1e-5));
}

}  // namespace
}  // namespace moca::training
