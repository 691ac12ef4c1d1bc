#include "moca/image/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "moca/core/error.h"
#include "tests/image/random_image.h"

namespace moca {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::random_image;

using Resize = Image (*)(const Image&, int, int);

Image row_of(std::vector<uint8_t> values) {
  Image row(static_cast<int>(values.size()), 1, 1);
  row.pixels = std::move(values);
  return row;
}

Image mirrored(const Image& image) {
  Image result = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.at(image.width - 1 - x, y), image.channels, result.at(x, y));
    }
  }
  return result;
}

Image transposed(const Image& image) {
  Image result(image.height, image.width, image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), image.channels, result.at(y, x));
    }
  }
  return result;
}

std::vector<uint8_t> channel(const Image& image, int c) {
  std::vector<uint8_t> values;
  for (size_t i = c; i < image.pixels.size(); i += image.channels) {
    values.push_back(image.pixels[i]);
  }
  return values;
}

class EveryResize : public ::testing::TestWithParam<Resize> {};

TEST_P(EveryResize, KeepsAPlainPictureAndTheSameSize) {
  const Image image = random_image(23, 31, 3, 1);
  EXPECT_EQ(GetParam()(image, 23, 31).pixels, image.pixels);
  for (const uint8_t value : {0, 1, 127, 254, 255}) {
    for (const auto& [width, height] : {std::pair(7, 40), std::pair(50, 3), std::pair(1, 1)}) {
      const Image plain = GetParam()(Image(23, 31, 2, value), width, height);
      EXPECT_EQ(plain.width, width);
      EXPECT_EQ(plain.height, height);
      EXPECT_THAT(plain.pixels, Each(value));
    }
  }
}

TEST_P(EveryResize, TreatsEveryChannelByItself) {
  const Image image = random_image(19, 14, 5, 2);
  const Image resized = GetParam()(image, 8, 22);
  for (int c = 0; c < 5; ++c) {
    Image single(19, 14, 1);
    single.pixels = channel(image, c);
    EXPECT_EQ(GetParam()(single, 8, 22).pixels, channel(resized, c));
  }
}

TEST_P(EveryResize, TreatsRowsAsColumns) {
  const Image image = random_image(21, 1, 1, 3);
  EXPECT_EQ(transposed(GetParam()(image, 9, 1)).pixels, GetParam()(transposed(image), 1, 9).pixels);
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryResize,
                         ::testing::ValuesIn(std::vector<Resize>{&resize_bicubic, &resize_nearest,
                                                                 &resize_area}));

TEST(ResizeBicubic, WeighsByTheKernelOfAMinusAHalf) {
  // Doubling: outputs 2 and 3 lie a quarter pixel beside input 1; the kernel at distances 1.25,
  // 0.25, 0.75, 1.75 is -0.0703125, 0.8671875, 0.2265625, -0.0234375.
  const Image doubled = resize_bicubic(row_of({0, 0, 100, 0, 0, 0}), 12, 1);
  EXPECT_THAT(doubled.pixels, ElementsAre(0, 0, 0, 23, 87, 87, 23, 0, 0, 0, 0, 0));
  const Image dark = resize_bicubic(row_of({200, 200, 100, 200, 200, 200}), 12, 1);
  // 200 - 100 w, and overshoot 200 + 100 * 0.0703125 beside it.
  EXPECT_THAT(dark.pixels, ElementsAre(200, 202, 207, 177, 113, 113, 177, 207, 202, 200, 200, 200));
}

TEST(ResizeBicubic, ClampsOvershootToBytes) {
  std::vector<uint8_t> step(16, 0);
  std::fill(step.begin() + 8, step.end(), 255);
  const Image resized = resize_bicubic(row_of(step), 64, 1);
  EXPECT_EQ(resized.pixels[0], 0);
  EXPECT_EQ(resized.pixels[29], 0);  // would be below 0 without the clamp
  EXPECT_EQ(resized.pixels[34], 255);
  EXPECT_TRUE(std::is_sorted(resized.pixels.begin(), resized.pixels.end()));
}

TEST(ResizeBicubic, CommutesWithMirroring) {
  const Image image = random_image(40, 30, 3, 4);
  EXPECT_EQ(resize_bicubic(mirrored(image), 20, 15).pixels,
            mirrored(resize_bicubic(image, 20, 15)).pixels);
  EXPECT_EQ(resize_bicubic(mirrored(image), 80, 60).pixels,
            mirrored(resize_bicubic(image, 80, 60)).pixels);
}

TEST(ResizeBicubic, RoundsBetweenTheTwoPasses) {
  const Image image = random_image(33, 27, 1, 5);
  EXPECT_EQ(resize_bicubic(image, 12, 50).pixels,
            resize_bicubic(resize_bicubic(image, 12, 27), 12, 50).pixels);
}

TEST(ResizeBicubic, TakesTheRowsFirstWhereTheHeightLosesTwiceAsMuch) {
  const Image image = random_image(40, 60, 1, 5);
  const Image rows_first = resize_bicubic(resize_bicubic(image, 40, 20), 30, 20);
  const Image columns_first = resize_bicubic(resize_bicubic(image, 30, 60), 30, 20);
  ASSERT_NE(rows_first.pixels, columns_first.pixels);
  EXPECT_EQ(resize_bicubic(image, 30, 20).pixels, rows_first.pixels);
  EXPECT_EQ(resize_bicubic(image, 20, 20).pixels,  // 40 rows less, 20 columns less: not more
            resize_bicubic(resize_bicubic(image, 20, 60), 20, 20).pixels);
}

TEST(ResizeNearest, TakesThePixelBelowTheScaledIndex) {
  EXPECT_THAT(resize_nearest(row_of({10, 20, 30}), 7, 1).pixels,
              ElementsAre(10, 10, 10, 20, 20, 30, 30));
  EXPECT_THAT(resize_nearest(row_of({10, 20, 30, 40, 50}), 2, 1).pixels, ElementsAre(10, 30));
}

TEST(ResizeArea, AveragesTheCoveredPixels) {
  Image image(4, 2, 1);
  image.pixels = {0, 10, 100, 200, 20, 30, 100, 200};
  EXPECT_THAT(resize_area(image, 2, 1).pixels, ElementsAre(15, 150));
  // Three columns over four: each covers one column and a third of another.
  EXPECT_THAT(resize_area(row_of({0, 93, 183, 30}), 3, 1).pixels, ElementsAre(23, 138, 68));
}

TEST(ResizeArea, KeepsTheMean) {
  const Image image = random_image(60, 45, 3, 6);
  const auto mean = [](const Image& picture) {
    double sum = 0;
    for (const uint8_t value : picture.pixels) {
      sum += value;
    }
    return sum / static_cast<double>(picture.pixels.size());
  };
  for (const auto& [width, height] : {std::pair(7, 11), std::pair(120, 90), std::pair(1, 1)}) {
    EXPECT_NEAR(mean(resize_area(image, width, height)), mean(image), 0.6);
  }
}

TEST(ResizeShortestEdge, RoundsTheLongerSideDown) {
  const Image wide = resize_shortest_edge(random_image(420, 301, 3, 7), 256);
  EXPECT_EQ(wide.width, 357);  // 256 * 420 / 301 = 357.2
  EXPECT_EQ(wide.height, 256);
  const Image tall = resize_shortest_edge(random_image(7, 13, 1, 8), 11);
  EXPECT_EQ(tall.width, 11);
  EXPECT_EQ(tall.height, 20);  // 11 * 13 / 7 = 20.4
  EXPECT_EQ(resize_shortest_edge(Image(5, 5, 1), 9).height, 9);
}

TEST(ResizeShortestEdge, RefusesAStrip) {
  EXPECT_THROW(resize_shortest_edge(Image(16384, 1, 1), 256), Error);
}

TEST(CenterCrop, LeavesTheOddPixelAtTheEnd) {
  EXPECT_THAT(center_crop(row_of({1, 2, 3, 4, 5, 6}), 3, 1).pixels, ElementsAre(2, 3, 4));
  EXPECT_THAT(center_crop(row_of({1, 2, 3, 4, 5}), 3, 1).pixels, ElementsAre(2, 3, 4));
}

TEST(CenterCrop, PadsWithZerosTheOddPixelFirst) {
  EXPECT_THAT(center_crop(row_of({1, 2, 3}), 6, 1).pixels, ElementsAre(0, 0, 1, 2, 3, 0));
  EXPECT_THAT(center_crop(row_of({1, 2, 3}), 5, 1).pixels, ElementsAre(0, 1, 2, 3, 0));
  // Smaller along one axis only.
  Image image(4, 1, 1);
  image.pixels = {1, 2, 3, 4};
  EXPECT_THAT(center_crop(image, 2, 2).pixels, ElementsAre(0, 0, 2, 3));
}

}  // namespace
}  // namespace moca
