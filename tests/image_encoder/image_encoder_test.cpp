#include "moca/image_encoder/image_encoder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

#include "moca/core/generator.h"
#include "tests/support/counted_flops.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::image_encoder {
namespace {

using testing::all_close;
using testing::bit_equal;
using testing::tiny_image_encoder_config;

ImageEncoder make(const ImageEncoderConfig& config) {
  torch::manual_seed(6);
  return ImageEncoder(config);
}

at::Tensor random_images(at::IntArrayRef sizes) {
  return at::randn(sizes, generator_for(1, "pictures"), at::TensorOptions());
}

at::Tensor parameter(const ImageEncoder& encoder, const std::string& name) {
  return encoder->named_parameters()[name];
}

class DinoFixture : public testing::FixtureTest {
 protected:
  DinoFixture() : FixtureTest("dinov2") {}
};

INSTANTIATE_TEST_SUITE_P(From, DinoFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(DinoFixture, GivesDinoV2sTokensAtEverySize) {
  const auto& model = description_.at("model");
  ImageEncoderConfig config;
  config.image_size = model.at("image_size");
  config.patch_size = model.at("patch_size");
  config.width = model.at("hidden_size");
  config.num_layers = model.at("num_hidden_layers");
  config.num_heads = model.at("num_attention_heads");
  config.position_grid = config.image_size / config.patch_size;
  ImageEncoder encoder(config);
  testing::load_fixture_weights(*encoder, *file_);
  for (const std::string image : description_.at("images")) {
    EXPECT_TRUE(all_close(encoder(input(image)), output(image + "/last_hidden_state"), 5e-5))
        << image;
  }
}

TEST(ImageEncoder, GivesAClassTokenAndOneTokenPerPatch) {
  const torch::NoGradGuard no_grad;
  auto encoder = make(tiny_image_encoder_config());  // patches of 8
  EXPECT_EQ(encoder(random_images({2, 3, 16, 16})).sizes(), at::IntArrayRef({2, 5, 16}));
  EXPECT_EQ(encoder(random_images({1, 3, 16, 24})).sizes(), at::IntArrayRef({1, 7, 16}));
}

TEST(ImageEncoder, SeesEachPictureOfABatchByItself) {
  const torch::NoGradGuard no_grad;
  auto encoder = make(tiny_image_encoder_config());
  const auto images = random_images({3, 3, 16, 16});
  const auto together = encoder(images);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(all_close(encoder(images.narrow(0, i, 1))[0], together[i], 1e-5)) << i;
  }
}

TEST(ImageEncoder, CutsThePictureIntoPatchesRowByRow) {
  const torch::NoGradGuard no_grad;
  auto encoder = make(tiny_image_encoder_config());
  const auto embedded = [&](const at::Tensor& image) {
    std::vector<at::Tensor> hidden_states;
    encoder(image, &hidden_states);
    return hidden_states.front();
  };
  const auto image = random_images({1, 3, 16, 24});
  auto changed = image.clone();
  changed[0].narrow(1, 8, 8).narrow(2, 16, 8).add_(1.0);  // second row, third column
  const auto difference = (embedded(changed) - embedded(image)).abs().sum(-1)[0];
  for (int64_t token = 0; token < 7; ++token) {
    EXPECT_EQ(difference[token].item<double>() > 0, token == 1 + 1 * 3 + 2) << "token " << token;
  }
}

TEST(ImageEncoder, KnowsWherePatchesAreFromThePositionTableAlone) {
  const torch::NoGradGuard no_grad;
  auto encoder = make(tiny_image_encoder_config());
  const auto image = random_images({1, 3, 16, 16});
  const auto swapped = at::cat({image.narrow(3, 8, 8), image.narrow(3, 0, 8)}, 3);
  const auto order = at::tensor({0, 2, 1, 4, 3}, at::kLong);  // both rows, left and right
  EXPECT_FALSE(at::allclose(encoder(swapped), encoder(image).index_select(1, order)));
  parameter(encoder, "embeddings.position_embeddings").zero_();
  EXPECT_TRUE(all_close(encoder(swapped), encoder(image).index_select(1, order), 1e-5));
}

TEST(ImageEncoder, ShowsTheTokensBetweenItsBlocks) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_image_encoder_config();
  config.num_layers = 3;
  auto encoder = make(config);
  const auto image = random_images({1, 3, 16, 16});
  std::vector<at::Tensor> hidden_states;
  const auto tokens = encoder(image, &hidden_states);
  ASSERT_EQ(hidden_states.size(), 4U);
  const auto normed =
      at::layer_norm(hidden_states.back(), {16}, parameter(encoder, "layernorm.weight"),
                     parameter(encoder, "layernorm.bias"), config.norm_epsilon);
  EXPECT_TRUE(all_close(normed, tokens, 1e-5));
  EXPECT_TRUE(bit_equal(encoder(image), tokens)) << "looking on changed the result";
}

TEST(ImageEncoder, EveryParameterLearnsButTheMaskToken) {
  for (const bool gated : {false, true}) {
    auto config = tiny_image_encoder_config();
    config.gated_mlp = gated;
    auto encoder = make(config);
    encoder(random_images({2, 3, 16, 16})).pow(3).sum().backward();
    for (const auto& item : encoder->named_parameters()) {
      const auto& gradient = item.value().grad();
      const bool learns = gradient.defined() && gradient.abs().max().item<double>() > 0;
      EXPECT_EQ(learns, item.key() != "embeddings.mask_token") << item.key();
    }
  }
}

TEST(ImageEncoder, HasTheKeysOfDinoV2sVariants) {
  const auto sizes_of = [](const ImageEncoderConfig& config) {
    std::map<std::string, std::vector<int64_t>> sizes;
    const auto encoder = make(config);
    for (const auto& item : encoder->named_parameters()) {
      sizes[item.key()] = item.value().sizes().vec();
    }
    return sizes;
  };
  auto config = tiny_image_encoder_config();
  const std::string block = "encoder.layer.0.";
  const auto plain = sizes_of(config);
  EXPECT_EQ(plain.at(block + "mlp.fc1.weight"), (std::vector<int64_t>{64, 16}));
  EXPECT_EQ(plain.count(block + "attention.attention.query.bias"), 1U);
  config.gated_mlp = true;
  config.query_key_value_bias = false;
  const auto giant = sizes_of(config);
  // Two thirds of 64, rounded up to a multiple of 8, twice: the gate and what it lets through.
  EXPECT_EQ(giant.at(block + "mlp.weights_in.weight"), (std::vector<int64_t>{96, 16}));
  EXPECT_EQ(giant.at(block + "mlp.weights_out.weight"), (std::vector<int64_t>{16, 48}));
  EXPECT_EQ(giant.count(block + "attention.attention.query.bias"), 0U);
  EXPECT_EQ(giant.count(block + "attention.output.dense.bias"), 1U);
}

TEST(ImageEncoder, RefusesAnotherNumberOfChannels) {
  const torch::NoGradGuard no_grad;
  auto config = tiny_image_encoder_config();
  EXPECT_THROW(make(config)(at::zeros({1, 7, 16, 16})), c10::Error);
  config.num_channels = 7;
  EXPECT_EQ(make(config)(at::zeros({1, 7, 16, 16})).size(1), 5);
  EXPECT_THROW(make(config)(at::zeros({1, 3, 16, 16})), c10::Error);
}

TEST(ComponentImages, HoldEachOnesOwnPartThePictureAndTheMask) {
  const auto bytes = at::arange(4 * 4 * 3).to(at::kByte).view({4, 4, 3});
  auto map = at::zeros({4, 4}, at::kByte);
  map[1][2] = 1;
  map[3][0] = 2;
  const auto images = component_images(bytes, map, 3);
  ASSERT_EQ(images.sizes(), at::IntArrayRef({3, 7, 4, 4}));
  const auto picture = normalise_images(bytes.unsqueeze(0))[0];
  const auto white = normalise_images(at::full({1, 4, 4, 3}, 255, at::kByte))[0];
  for (int64_t i = 0; i < 3; ++i) {
    const auto seen = map == i + 1;
    EXPECT_TRUE(bit_equal(images[i].narrow(0, 0, 3), at::where(seen, picture, white))) << i;
    EXPECT_TRUE(bit_equal(images[i].narrow(0, 3, 3), picture)) << i;
    EXPECT_TRUE(bit_equal(images[i][6], seen.to(at::kFloat))) << i;
  }
}

TEST(ImageEncoder, CountsTheOperationsOfItsLayers) {
  const torch::AutoGradMode with_gradient(true);
  for (const int64_t num_channels : {3, 7}) {
    auto config = tiny_image_encoder_config();
    config.num_channels = num_channels;
    auto encoder = make(config);
    const double linear = testing::counted_linear_flops([&] {
      encoder->forward(at::zeros({1, num_channels, 16, 16}));
    });
    const double patches = 2.0 * 4 * static_cast<double>(num_channels) * 8 * 8 * 16;
    const double attention = 4.0 * 5 * 5 * 16;
    EXPECT_DOUBLE_EQ(config.forward_flops(), linear + patches + attention);
  }
}

TEST(PositionTable, OfTheStoredSizeIsTakenAsItIs) {
  const auto table = random_images({1, 1 + 9, 4});
  EXPECT_TRUE(bit_equal(stretch_position_table(table, 3, 3), table));
}

TEST(PositionTable, StretchesPatchesAndLeavesTheClassTokenAlone) {
  auto table = at::full({1, 1 + 9, 2}, 0.25);
  table[0][0].fill_(7.0);
  for (const auto& [rows, columns] : {std::pair(5, 4), std::pair(2, 2), std::pair(1, 6)}) {
    const auto stretched = stretch_position_table(table, rows, columns);
    ASSERT_EQ(stretched.sizes(), at::IntArrayRef({1, 1 + rows * columns, 2}));
    EXPECT_TRUE(bit_equal(stretched[0][0], table[0][0]));
    EXPECT_TRUE(all_close(stretched.narrow(1, 1, rows * columns),
                          at::full({1, rows * columns, 2}, 0.25), 1e-6))
        << "a constant did not stay one";
  }
}

TEST(PositionTable, KeepsRowsAndColumnsApart) {
  // Channel 0 holds the row, channel 1 the column.
  const auto steps = at::arange(6).to(at::kFloat);
  const auto rows = steps.view({6, 1}).expand({6, 6});
  const auto grid = at::stack({rows, rows.t()}, -1).reshape({1, 36, 2});
  const auto table = at::cat({at::zeros({1, 1, 2}), grid}, 1);
  const auto stretched = stretch_position_table(table, 12, 3).narrow(1, 1, 36).view({12, 3, 2});
  const auto row_values = stretched.select(2, 0);
  EXPECT_TRUE(all_close(row_values, row_values.narrow(1, 0, 1).expand({12, 3}), 1e-5))
      << "rows leak into columns";
  EXPECT_TRUE((stretched.select(2, 0).diff(1, 0) > 0).all().item<bool>()) << "rows run down";
  EXPECT_TRUE((stretched.select(2, 1).diff(1, 1) > 0).all().item<bool>()) << "columns run right";
  // The middle of three new patches lies between the old ones at 2 and 3.
  EXPECT_NEAR(stretched[6][1][1].item<double>(), 2.5, 1e-5);
}

TEST(PositionTable, MustBeASquareBesidesTheClassToken) {
  EXPECT_THROW(stretch_position_table(at::zeros({1, 9, 4}), 3, 3), c10::Error);
}

TEST(NormaliseImages, TakesImageNetsMeanOffAndDividesByItsDeviation) {
  auto bytes = at::zeros({1, 2, 2, 3}, at::kByte);
  bytes[0][1][0][2] = 255;
  const auto images = normalise_images(bytes);
  EXPECT_EQ(images.sizes(), at::IntArrayRef({1, 3, 2, 2}));
  EXPECT_NEAR(images[0][0][0][0].item<double>(), -0.485 / 0.229, 1e-6);
  EXPECT_NEAR(images[0][2][1][0].item<double>(), (1.0 - 0.406) / 0.225, 1e-6);
  EXPECT_THROW(normalise_images(at::zeros({1, 2, 2, 4}, at::kByte)), c10::Error);
}

}  // namespace
}  // namespace moca::image_encoder
