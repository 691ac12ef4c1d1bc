#include "moca/generation/component_generator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "moca/mesh/renderer.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::generation {
namespace {

using testing::all_close;
using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;

Image image(uint8_t grey) { return {40, 30, 3, grey}; }

// A generator of random weights; its parts are at hand to be changed before it is used.
struct TinyGenerator {
  TinyGenerator() {
    at::set_num_threads(1);
    torch::manual_seed(4);
    denoiser =
        ComponentDenoiser(testing::tiny_dit_config(), testing::tiny_image_encoder_config(), 4);
    vae = testing::tiny_vae();
    sampler.num_steps = 3;
    decoder.resolution = 17;
    decoder.coarse_resolution = 17;
  }

  ComponentGenerator make() const { return {denoiser, vae, sampler, decoder, use_bf16}; }
  at::Tensor latents(const Request& request) const { return make().generate_latents({request})[0]; }

  ComponentDenoiser denoiser{nullptr};
  vae::VecsetVae vae{nullptr};
  flow::SamplerConfig sampler;
  vae::DecoderConfig decoder;
  bool use_bf16 = false;
};

TEST(ComponentGenerator, GivesOneNamedAndColouredMeshPerComponent) {
  auto generator = TinyGenerator().make();
  const auto scenes = generator.generate({{image(10), 3, 1}, {image(200), 1, 2}});
  ASSERT_EQ(scenes.size(), 2U);
  ASSERT_EQ(scenes[0].components.size(), 3U);
  ASSERT_EQ(scenes[1].components.size(), 1U);
  EXPECT_EQ(scenes[0].components[0].name, "component_00");
  EXPECT_EQ(scenes[0].components[2].name, "component_02");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(scenes[0].components[i].color, mesh::component_color(i));
  }
}

TEST(ComponentGenerator, DecodesTheLatentsItSampledWithTheVaesMeanAndDeviation) {
  TinyGenerator tiny;
  auto statistics = tiny.denoiser->latent_statistics();
  statistics->set(at::tensor({0.5, -1.0, 0.0, 2.0}), at::tensor({0.25, 2.0, 1.0, 0.5}));
  auto generator = tiny.make();
  const Request request = {image(10), 2, 1};
  const auto scene = generator.generate({request})[0];
  auto vae = tiny.vae;
  const auto meshes =
      vae::decode_components(vae, statistics->restore(tiny.latents(request)), tiny.decoder);
  ASSERT_EQ(meshes.size(), 2U);
  EXPECT_FALSE(meshes[0].empty());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(scene.components[i].mesh.vertices, meshes[i].vertices);
    EXPECT_EQ(scene.components[i].mesh.faces, meshes[i].faces);
  }
}

TEST(ComponentGenerator, RepeatsItselfForASeedAndNotForAnother) {
  const TinyGenerator tiny;
  EXPECT_TRUE(bit_equal(tiny.latents({image(10), 3, 1}), tiny.latents({image(10), 3, 1})));
  EXPECT_FALSE(at::equal(tiny.latents({image(10), 3, 1}), tiny.latents({image(10), 3, 2})));
}

TEST(ComponentGenerator, GeneratesEachRequestByItselfInAnyOrder) {
  auto generator = TinyGenerator().make();
  const std::vector<Request> requests = {{image(10), 3, 1}, {image(200), 2, 2}, {image(90), 5, 3}};
  const auto together = generator.generate_latents(requests);
  const auto reversed = generator.generate_latents({requests[2], requests[1], requests[0]});
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(together[i].size(0), requests[i].num_components);
    EXPECT_TRUE(all_close(generator.generate_latents({requests[i]})[0], together[i], 1e-4)) << i;
    EXPECT_TRUE(all_close(reversed[2 - i], together[i], 1e-4)) << i;
  }
}

TEST(ComponentGenerator, FollowsTheImageByTheGuidanceScale) {
  TinyGenerator tiny;
  const auto change_by_image = [&](double guidance_scale) {
    tiny.sampler.guidance_scale = guidance_scale;
    return (tiny.latents({image(10), 2, 1}) - tiny.latents({image(200), 2, 1}))
        .abs()
        .max()
        .item<double>();
  };
  EXPECT_EQ(change_by_image(0), 0.0) << "without guidance towards it the image is not seen";
  EXPECT_GT(change_by_image(1), 0.0);
  EXPECT_GT(change_by_image(7), change_by_image(1));
}

TEST(ComponentGenerator, TakesImagesOfEveryKindAndSize) {
  const TinyGenerator tiny;
  const auto latents = [&](const Image& image) { return tiny.latents({image, 2, 1}); };
  const auto expected = latents(image(90));
  EXPECT_TRUE(bit_equal(latents(Image(40, 30, 1, 90)), expected)) << "grey";
  Image transparent(40, 30, 4, 0);
  EXPECT_TRUE(bit_equal(latents(transparent), latents(image(255)))) << "clear is white";
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(3, 200), std::pair(16, 16)}) {
    EXPECT_TRUE(at::isfinite(latents(Image(width, height, 3, 90))).all().item<bool>());
  }
}

TEST(ComponentGenerator, RunsInBf16NearItsResultInFloat) {
  TinyGenerator tiny;
  tiny.sampler.guidance_scale = 1;
  const Request request = {image(10), 2, 1};
  const auto exact = tiny.latents(request);
  tiny.use_bf16 = true;
  const auto rounded = tiny.latents(request);
  EXPECT_EQ(rounded.scalar_type(), at::kFloat);
  EXPECT_FALSE(at::equal(rounded, exact)) << "it did not run in bf16";
  EXPECT_TRUE(all_close(rounded, exact, 0.05));
}

TEST(ComponentGenerator, SwitchesItsModelsToInference) {
  TinyGenerator tiny;
  tiny.denoiser->train();
  tiny.vae->train();
  tiny.make();
  EXPECT_FALSE(tiny.denoiser->is_training());
  EXPECT_FALSE(tiny.vae->is_training());
  EXPECT_FALSE(tiny.latents({image(10), 1, 1}).requires_grad());
}

TEST(ComponentGenerator, RefusesMoreComponentsThanIdsAndNone) {
  const TinyGenerator tiny;
  for (const int64_t num_components : {9, 0, -1}) {
    EXPECT_EQ(refusal([&] {
                tiny.latents({image(10), num_components, 1});
              }),
              "cannot generate " + std::to_string(num_components) +
                  " components: the model's codebook has ids for 1 to 8.");
  }
  EXPECT_EQ(refusal([&] { tiny.latents({image(10), 8, 1}); }), "accepted");
}

TEST(ComponentGenerator, GeneratesOneComponentWithoutIdsAndAttentionBetweenComponents) {
  TinyGenerator tiny;
  auto config = testing::tiny_dit_config();
  config.codebook_size = 0;
  config.global_attention = dit::GlobalAttentionKind::kNone;
  tiny.denoiser = ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  EXPECT_EQ(tiny.latents({image(10), 1, 1}).size(0), 1);
  EXPECT_THAT(refusal([&] { tiny.latents({image(10), 2, 1}); }), HasSubstr("ids for 1 to 1"));
}

TEST(ComponentGenerator, TellsComponentsWithoutIdsApartByTheirNoise) {
  TinyGenerator tiny;
  auto config = testing::tiny_dit_config();
  config.codebook_size = 0;
  tiny.denoiser = ComponentDenoiser(config, testing::tiny_image_encoder_config(), 4);
  const auto latents = tiny.latents({image(10), 20, 1});
  EXPECT_EQ(latents.size(0), 20);
  EXPECT_FALSE(at::equal(latents[0], latents[1]));
}

// Component i fills a column of four pixels.
ComponentMap column_map(int num_components) {
  ComponentMap map(40, 30, 1);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 4 * num_components; ++x) {
      *map.at(x, y) = static_cast<uint16_t>(x / 4 + 1);
    }
  }
  return map;
}

TinyGenerator generator_with_masks() {
  TinyGenerator tiny;
  auto config = testing::tiny_image_encoder_config();
  config.num_channels = 7;
  torch::manual_seed(4);
  tiny.denoiser = ComponentDenoiser(testing::tiny_dit_config(), config, 4);
  return tiny;
}

TEST(ComponentGenerator, LooksAtEveryComponentsMaskWhereTheModelTakesMasks) {
  const auto tiny = generator_with_masks();
  EXPECT_TRUE(tiny.make().takes_component_maps());
  EXPECT_FALSE(TinyGenerator().make().takes_component_maps());
  const Request request = {image(10), 3, 1, column_map(3)};
  const auto latents = tiny.latents(request);
  auto other = request;
  std::fill(other.component_map.pixels.begin(), other.component_map.pixels.end(), uint16_t{2});
  EXPECT_FALSE(at::equal(tiny.latents(other), latents));
  // One call for several assets of different sizes gives what each gives by itself.
  const auto together = tiny.make().generate_latents({{image(90), 1, 2, column_map(1)}, request});
  EXPECT_TRUE(all_close(together[1], latents, 1e-5));
}

TEST(ComponentGenerator, RefusesAMissingOrMisfittingComponentMap) {
  const auto tiny = generator_with_masks();
  EXPECT_THAT(refusal([&] {
                tiny.latents({image(10), 3, 1});
              }),
              HasSubstr("trained with component masks: it needs a map of the image"));
  EXPECT_THAT(refusal([&] {
                tiny.latents({image(10), 3, 1, ComponentMap(20, 30, 1)});
              }),
              HasSubstr("the component map (20 x 30) must have the image's size (40 x 30)"));
  EXPECT_THAT(refusal([&] {
                tiny.latents({image(10), 3, 1, ComponentMap(40, 30, 1)});
              }),
              HasSubstr("the component map marks no component"));
  EXPECT_THAT(refusal([&] {
                tiny.latents({image(10), 2, 1, column_map(3)});
              }),
              HasSubstr("names component 3, but 2 are asked for"));
}

TEST(ComponentGenerator, PublicPreprocessingSeesTheSameComponents) {
  const auto tiny = generator_with_masks();
  image_encoder::PreprocessConfig preprocess;
  preprocess.shortest_edge = preprocess.crop_width = preprocess.crop_height = 16;
  tiny.denoiser->image().set_preprocess(preprocess);
  auto generator = tiny.make();
  const Request request = {image(10), 2, 1, column_map(2)};
  auto swapped = request;
  for (auto& id : swapped.component_map.pixels) {
    id = id == 0 ? 0 : 3 - id;
  }
  const auto latents = generator.generate_latents({request})[0];
  EXPECT_FALSE(at::equal(generator.generate_latents({swapped})[0], latents));
}

}  // namespace
}  // namespace moca::generation
