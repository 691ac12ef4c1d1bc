#include "moca/image_encoder/preprocess.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "moca/core/error.h"
#include "moca/image/foreground.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"
#include "moca/image_encoder/image_encoder.h"
#include "tests/image/random_image.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"

namespace moca::image_encoder {
namespace {

using testing::all_close;
using testing::bit_equal;
using testing::random_image;

// Bytes [H, W, channels] as a picture.
Image to_image(const at::Tensor& bytes) {
  Image image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)),
              static_cast<int>(bytes.size(2)));
  const auto dense = bytes.contiguous();
  std::copy_n(dense.data_ptr<uint8_t>(), image.pixels.size(), image.pixels.begin());
  return image;
}

at::Tensor to_tensor(const Image& image) {  // [channels, H, W]
  return at::tensor(image.pixels, at::kByte)
      .view({image.height, image.width, image.channels})
      .permute({2, 0, 1});
}

class ProcessorFixture : public testing::FixtureTest {
 protected:
  ProcessorFixture() : FixtureTest("dino_preprocess") {}
};

INSTANTIATE_TEST_SUITE_P(From, ProcessorFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(ProcessorFixture, GivesTheProcessorsBits) {
  PreprocessConfig config;
  const auto& processor = description_.at("processor");
  config.shortest_edge = processor.at("size").at("shortest_edge");
  config.crop_width = processor.at("crop_size").at("width");
  config.crop_height = processor.at("crop_size").at("height");
  for (const std::string name : description_.at("images")) {
    SCOPED_TRACE(name);
    const auto picture = to_image(input(name));
    EXPECT_TRUE(bit_equal(to_tensor(resize_and_crop(picture, config)),
                          output(name + "/resized_cropped_u8")));
    const auto values = preprocess_image(picture, config);
    if (file_->contains("outputs/" + name + "/pixel_values")) {
      EXPECT_TRUE(bit_equal(values, output(name + "/pixel_values")));
      continue;
    }
    const auto row = output(name + "/pixel_values_row");  // one of them, which is not said
    bool found = false;
    for (int64_t y = 0; y < values.size(1); ++y) {
      found = found || at::equal(values.select(1, y), row);
    }
    EXPECT_TRUE(found);
  }
}

class ForegroundFixture : public testing::FixtureTest {
 protected:
  ForegroundFixture() : FixtureTest("prepare_rgba") {}
};

INSTANTIATE_TEST_SUITE_P(From, ForegroundFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(ForegroundFixture, CropsAsPrepareImageDoes) {
  for (const std::string name : description_.at("images")) {
    const auto picture = to_image(input(name));
    EXPECT_TRUE(has_usable_alpha(picture)) << name;
    EXPECT_TRUE(bit_equal(to_tensor(crop_to_foreground(picture)).permute({1, 2, 0}),
                          output(name + "/prepared_rgb")))
        << name;
  }
}

TEST(Preprocess, PutsAlphaOverWhiteAndRepeatsGrey) {
  const auto rgba = random_image(40, 30, 4, 1);
  EXPECT_TRUE(bit_equal(preprocess_image(rgba), preprocess_image(to_rgb(rgba))));
  const auto grey = random_image(40, 30, 1, 2);
  EXPECT_TRUE(bit_equal(preprocess_image(grey), preprocess_image(to_rgb(grey))));
  Image clear(40, 30, 4, 0);  // black beneath
  EXPECT_TRUE(bit_equal(preprocess_image(clear), preprocess_image(Image(40, 30, 3, 255))));
}

TEST(Preprocess, LeavesOutTheStepsThatAreSwitchedOff) {
  const auto picture = random_image(30, 20, 3, 3);
  PreprocessConfig config;
  config.do_resize = config.do_center_crop = config.do_rescale = config.do_normalize = false;
  EXPECT_TRUE(bit_equal(preprocess_image(picture, config), to_tensor(picture).to(at::kFloat)));
  config.do_rescale = true;
  EXPECT_TRUE(all_close(preprocess_image(picture, config), to_tensor(picture) / 255.0, 1e-7));
  config.do_center_crop = true;
  config.crop_width = 8;
  config.crop_height = 26;
  EXPECT_EQ(preprocess_image(picture, config).sizes(), at::IntArrayRef({3, 26, 8}));
  config.do_resize = true;
  config.shortest_edge = 40;
  config.do_center_crop = false;
  EXPECT_EQ(preprocess_image(picture, config).sizes(), at::IntArrayRef({3, 40, 60}));
}

TEST(Preprocess, NormalisesAsTheTrainingPicturesAre) {
  const auto bytes = at::arange(256, at::kByte).view({1, 16, 16, 1}).expand({1, 16, 16, 3});
  EXPECT_TRUE(
      bit_equal(rescale_and_normalise(bytes.permute({0, 3, 1, 2}), {}), normalise_images(bytes)));
}

TEST(SceneInput, JoinsComponentSceneAndMask) {
  const auto component = random_image(64, 64, 3, 4);
  const auto scene = random_image(80, 60, 3, 5);
  Image mask(448, 448, 1);
  for (int y = 0; y < 448; ++y) {
    std::fill_n(mask.at(100, y), 101, uint8_t{255});  // columns 100 to 200
  }
  const auto input = scene_input(component, scene, mask);
  ASSERT_EQ(input.sizes(), at::IntArrayRef({7, 224, 224}));
  EXPECT_TRUE(bit_equal(input.narrow(0, 0, 3), preprocess_image(component)));
  EXPECT_TRUE(bit_equal(input.narrow(0, 3, 3), preprocess_image(scene)));
  auto expected = at::zeros({224, 224});
  expected.narrow(1, 50, 51).fill_(1.0);  // every second column, not cropped, not normalised
  EXPECT_TRUE(bit_equal(input[6], expected));
}

TEST(SceneInput, RefusesPicturesOfTwoSizes) {
  PreprocessConfig config;
  config.do_center_crop = false;
  EXPECT_THROW(scene_input(Image(64, 64, 3), Image(80, 60, 3), Image(64, 64, 1), config), Error);
}

TEST(ResizeNearest, TakesTorchsPixels) {
  for (const auto& [from, to] : {std::pair(512, 224), std::pair(37, 224), std::pair(101, 100),
                                 std::pair(7, 91), std::pair(480, 300), std::pair(6, 3)}) {
    const auto image = random_image(from, from + 3, 1, 6);
    const auto expected =
        at::upsample_nearest2d(to_tensor(image).unsqueeze(0).contiguous(), {to + 5, to});
    EXPECT_TRUE(bit_equal(to_tensor(resize_nearest(image, to, to + 5)), expected[0]))
        << from << " to " << to;
  }
}

TEST(InflatePatchWeight, ClonesInTheOrderOfTheColours) {
  const auto weight = at::randn({4, 3, 2, 2});
  const auto cloned = inflate_patch_weight(weight, 7, Inflation::kClone);
  ASSERT_EQ(cloned.sizes(), at::IntArrayRef({4, 7, 2, 2}));
  EXPECT_TRUE(bit_equal(cloned.narrow(1, 0, 3), weight));
  EXPECT_TRUE(bit_equal(cloned.narrow(1, 3, 3), weight));
  EXPECT_TRUE(bit_equal(cloned.narrow(1, 6, 1), weight.narrow(1, 0, 1)));
}

TEST(InflatePatchWeight, ZeroKeepsWhatThePictureAloneGave) {
  const auto weight = at::randn({4, 3, 2, 2}, at::kDouble);
  const auto inflated = inflate_patch_weight(weight, 7, Inflation::kZero);
  const auto input = at::randn({1, 7, 6, 6}, at::kDouble);
  EXPECT_TRUE(all_close(at::conv2d(input, inflated, {}, {2, 2}),
                        at::conv2d(input.narrow(1, 0, 3), weight, {}, {2, 2}), 1e-14));
  EXPECT_TRUE(bit_equal(inflate_patch_weight(weight, 3, Inflation::kZero), weight));
  EXPECT_THROW(inflate_patch_weight(weight, 2, Inflation::kZero), c10::Error);
}

}  // namespace
}  // namespace moca::image_encoder
