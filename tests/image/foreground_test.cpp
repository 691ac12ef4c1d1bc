#include "moca/image/foreground.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/image/image_io.h"
#include "tests/image/random_image.h"
#include "tests/support/refusal.h"

namespace moca {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::random_image;

void set_pixel(Image& image, int x, int y, const std::vector<uint8_t>& value) {
  std::copy(value.begin(), value.end(), image.at(x, y));
}

// Transparent but for the box.
Image box_picture(int width, int height, int left, int top, int box_width, int box_height) {
  Image image = random_image(width, height, 4, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool inside = x >= left && x < left + box_width && y >= top && y < top + box_height;
      image.at(x, y)[3] = inside ? 255 : 0;
    }
  }
  return image;
}

TEST(CropToForeground, CompositesInFloatAndTruncates) {
  Image image(3, 1, 4);
  set_pixel(image, 0, 0, {10, 20, 30, 0});  // outside the box, whatever its colour
  set_pixel(image, 1, 0, {200, 100, 0, 128});
  set_pixel(image, 2, 0, {200, 100, 0, 255});
  const Image crop = crop_to_foreground(image, {1, 0.5, 0}, 0.0);
  ASSERT_EQ(crop.width, 2);
  ASSERT_EQ(crop.height, 1);  // int((2 - 1) / 2) = 0: not quite square
  // 200 a + 255 (1 - a) = 227.4, 100 a + 127.5 (1 - a) = 113.7, 0 with a = 128 / 255; then opaque.
  EXPECT_THAT(crop.pixels, ElementsAre(227, 113, 0, 200, 100, 0));
}

TEST(CropToForeground, PadsToASquareWithTruncatedSizes) {
  // 41 x 17: int(41 * 0.1) = 4 at the sides, int(4 + 24 / 2) = 16 at the ends.
  const Image wide = crop_to_foreground(box_picture(80, 60, 20, 30, 41, 17));
  EXPECT_EQ(wide.width, 49);
  EXPECT_EQ(wide.height, 49);
  // 18 x 41: 4 at the ends, int(4 + 23 / 2) = 15 at the sides: one pixel short of a square.
  const Image tall = crop_to_foreground(box_picture(60, 80, 5, 9, 18, 41));
  EXPECT_EQ(tall.width, 48);
  EXPECT_EQ(tall.height, 49);
}

TEST(CropToForeground, PutsTheBoxInTheMiddleOfTheBackgroundsFirstChannel) {
  const Image picture = box_picture(40, 30, 8, 3, 20, 10);
  const Image crop = crop_to_foreground(picture, {0.25, 0.5, 0.75}, 0.3);
  ASSERT_EQ(crop.width, 32);   // 6 at the sides
  ASSERT_EQ(crop.height, 32);  // 11 at the ends
  for (int y = 0; y < crop.height; ++y) {
    for (int x = 0; x < crop.width; ++x) {
      const std::vector<uint8_t> value(crop.at(x, y), crop.at(x, y) + 3);
      if (x >= 6 && x < 26 && y >= 11 && y < 21) {
        const uint8_t* from = picture.at(8 + x - 6, 3 + y - 11);
        EXPECT_EQ(value, std::vector<uint8_t>(from, from + 3));
      } else {
        EXPECT_THAT(value, Each(63));  // 0.25 * 255 truncated
      }
    }
  }
}

TEST(CropToForeground, DoesNotDependOnWhatLiesAroundTheBox) {
  const Image small = box_picture(30, 30, 5, 5, 12, 12);
  Image large(90, 70, 4);
  for (int y = 0; y < 30; ++y) {
    std::copy_n(small.at(0, y), 30 * 4, large.at(41, 17 + y));
  }
  EXPECT_EQ(crop_to_foreground(small).pixels, crop_to_foreground(large).pixels);
}

TEST(CropToForeground, RefusesATransparentPictureInOneLine) {
  try {
    crop_to_foreground(Image(12, 9, 4));
    FAIL() << "a transparent picture was cropped";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_THAT(message, ::testing::HasSubstr("12 x 9"));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(CropToForeground, RefusesABrokenCall) {
  EXPECT_THROW(crop_to_foreground(Image(2, 2, 3)), std::logic_error);
  EXPECT_THROW(crop_to_foreground(Image(2, 2, 4, 255), {1, 1, 1}, -0.1), std::logic_error);
  EXPECT_THROW(crop_to_foreground(Image(2, 2, 4, 255), {1, 1.5, 1}), std::logic_error);
}

// 400 pixels of which some are clear and some opaque, the rest half transparent.
bool usable(int num_clear, int num_opaque, uint8_t clear, uint8_t opaque) {
  Image image(20, 20, 4, 128);
  for (int i = 0; i < num_clear; ++i) {
    image.pixels[i * 4 + 3] = clear;
  }
  for (int i = 0; i < num_opaque; ++i) {
    image.pixels[(399 - i) * 4 + 3] = opaque;
  }
  return has_usable_alpha(image);
}

TEST(HasUsableAlpha, WantsOnePercentClearAndOnePercentOpaque) {
  EXPECT_TRUE(usable(4, 4, 0, 255));
  EXPECT_FALSE(usable(3, 200, 0, 255));
  EXPECT_FALSE(usable(200, 3, 0, 255));
  // 20 bins of 12.8: up to 12 is the first, from 244 on the last.
  EXPECT_TRUE(usable(4, 4, 12, 244));
  EXPECT_FALSE(usable(4, 4, 13, 244));
  EXPECT_FALSE(usable(4, 4, 12, 243));
}

TEST(HasUsableAlpha, IsFalseWithoutAlpha) { EXPECT_FALSE(has_usable_alpha(Image(4, 4, 3))); }

TEST(PictureToShow, IsCroppedOnlyWhereAskedAndAlphaTellsTheForeground) {
  const Image picture = box_picture(40, 30, 8, 3, 20, 10);
  EXPECT_EQ(image_to_show(picture, true, "").pixels, crop_to_foreground(picture).pixels);
  EXPECT_EQ(image_to_show(picture, false, "").pixels, to_rgb(picture).pixels);
  const Image opaque = box_picture(40, 30, 0, 0, 40, 30);
  EXPECT_EQ(image_to_show(opaque, true, "").pixels, to_rgb(opaque).pixels);
  const Image without_alpha = random_image(9, 7, 3, 1);
  EXPECT_EQ(image_to_show(without_alpha, true, "").pixels, without_alpha.pixels);
}

TEST(PictureToShow, LimitsTheLongerSideBeforeItCrops) {
  const Image shown = image_to_show(box_picture(4000, 8, 1000, 2, 2000, 4), true, "");
  EXPECT_EQ(shown.width, 1200);  // 1000 and a tenth at each side
  // 1 pixel high, where 2 / 3 of one would be none.
  EXPECT_EQ(image_to_show(box_picture(3000, 1, 0, 0, 1500, 1), true, "").width, 1200);
}

TEST(PictureToShow, RefusesWhatShowsNothing) {
  for (const bool crop : {false, true}) {
    EXPECT_THAT(testing::refusal([&] { image_to_show(Image(12, 9, 4), crop, "clear.png"); }),
                ::testing::HasSubstr("clear.png is transparent everywhere"));
  }
}

}  // namespace
}  // namespace moca
