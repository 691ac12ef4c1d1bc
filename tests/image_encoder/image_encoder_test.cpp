#include "moca/image_encoder/image_encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::image_encoder {
namespace {

TEST(ImageEncoder, GivesDinoV2sTokensAtEverySize) {
  const auto path = testing::fixture_file("dinov2");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no fixture at " << path;
  }
  const checkpoint::SafetensorsFile file(path);
  ImageEncoderConfig config;
  config.image_size = 70;
  config.width = 48;
  config.num_layers = 3;
  config.num_heads = 4;
  config.position_grid = 5;
  ImageEncoder encoder(config);
  testing::load_fixture_weights(*encoder, file);
  for (const std::string image : {"image_42x42", "image_70x70", "image_56x98"}) {
    EXPECT_TRUE(testing::all_close(encoder(file.read("inputs/" + image)),
                                   file.read("outputs/" + image + "/last_hidden_state"), 5e-5))
        << image;
  }
}

TEST(ImageEncoder, NormalisesWithImageNetsMeanAndDeviation) {
  auto bytes = at::zeros({1, 2, 2, 3}, at::kByte);
  bytes[0][1][0][2] = 255;
  const auto images = normalise_images(bytes);
  EXPECT_EQ(images.sizes(), at::IntArrayRef({1, 3, 2, 2}));
  EXPECT_NEAR(images[0][0][0][0].item<double>(), -0.485 / 0.229, 1e-6);
  EXPECT_NEAR(images[0][2][1][0].item<double>(), (1.0 - 0.406) / 0.225, 1e-6);
}

TEST(ImageEncoder, RefusesAnotherNumberOfChannels) {
  ImageEncoder encoder(testing::tiny_image_encoder_config());
  EXPECT_THROW(encoder(at::zeros({1, 7, 16, 16})), c10::Error);
}

}  // namespace
}  // namespace moca::image_encoder
