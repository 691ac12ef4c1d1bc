#include "moca/generation/component_generator.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/error.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::generation {
namespace {

using testing::all_close;
using testing::bit_equal;

ComponentGenerator tiny_generator() {
  torch::manual_seed(4);
  flow::SamplerConfig sampler;
  sampler.num_steps = 3;
  vae::DecoderConfig decoder;
  decoder.resolution = 17;
  decoder.coarse_resolution = 17;
  return {ComponentDenoiser(testing::tiny_dit_config(), testing::tiny_image_encoder_config(), 4),
          vae::VecsetVae(testing::tiny_vae_config()), sampler, decoder, false};
}

Image picture(uint8_t grey) { return {40, 30, 3, grey}; }

TEST(ComponentGenerator, GivesOneNamedMeshPerComponent) {
  auto generator = tiny_generator();
  const auto scenes = generator.generate({{picture(10), 3, 1}, {picture(200), 1, 2}});
  ASSERT_EQ(scenes.size(), 2U);
  ASSERT_EQ(scenes[0].components.size(), 3U);
  EXPECT_EQ(scenes[0].components[2].name, "component_02");
  EXPECT_EQ(scenes[1].components.size(), 1U);
}

TEST(ComponentGenerator, RepeatsItselfForASeedAndNotForAnother) {
  auto generator = tiny_generator();
  const auto latents = [&](uint64_t seed) {
    return generator.generate_latents({{picture(10), 3, seed}})[0];
  };
  EXPECT_TRUE(bit_equal(latents(1), latents(1)));
  EXPECT_FALSE(at::equal(latents(1), latents(2)));
}

TEST(ComponentGenerator, GeneratesEachRequestByItself) {
  auto generator = tiny_generator();
  const std::vector<Request> requests = {
      {picture(10), 3, 1}, {picture(200), 2, 2}, {picture(90), 5, 3}};
  const auto together = generator.generate_latents(requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_TRUE(all_close(generator.generate_latents({requests[i]})[0], together[i], 1e-4)) << i;
  }
}

TEST(ComponentGenerator, FollowsThePicture) {
  auto generator = tiny_generator();
  EXPECT_FALSE(at::equal(generator.generate_latents({{picture(10), 2, 1}})[0],
                         generator.generate_latents({{picture(200), 2, 1}})[0]));
}

TEST(ComponentGenerator, RefusesMoreComponentsThanIdsAndNone) {
  auto generator = tiny_generator();
  EXPECT_THROW(generator.generate({{picture(10), 9, 1}}), Error);
  EXPECT_THROW(generator.generate({{picture(10), 0, 1}}), Error);
}

TEST(PictureToInput, PadsToASquareOnWhiteAndKeepsAPictureOfTheRightSize) {
  Image exact(16, 16, 3);
  for (size_t i = 0; i < exact.pixels.size(); ++i) {
    exact.pixels[i] = static_cast<uint8_t>(i % 251);
  }
  const auto kept = picture_to_input(exact, 16);
  EXPECT_NEAR(kept[0][1][2][3].item<double>(), (exact.at(3, 2)[1] / 255.0 - 0.456) / 0.224, 1e-5);
  const auto padded = picture_to_input(Image(20, 10, 3, 0), 16);
  EXPECT_NEAR(padded[0][0][0][8].item<double>(), (1.0 - 0.485) / 0.229, 1e-5);  // white above
  EXPECT_NEAR(padded[0][0][8][8].item<double>(), (0.0 - 0.485) / 0.229, 1e-5);  // the picture
}

}  // namespace
}  // namespace moca::generation
