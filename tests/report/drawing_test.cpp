#include "src/report/drawing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace moca::report {
namespace {

constexpr Color kBlack = {0, 0, 0};
constexpr Color kRed = {200, 10, 20};

int count_color(const Image& image, const Color& color) {
  int count = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      count += std::equal(color.begin(), color.end(), image.at(x, y)) ? 1 : 0;
    }
  }
  return count;
}

// The right- and lowermost inked pixel, plus one.
std::pair<int, int> ink_extent(const Image& image) {
  std::pair<int, int> extent{0, 0};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (image.at(x, y)[0] == 0) {
        extent = {std::max(extent.first, x + 1), std::max(extent.second, y + 1)};
      }
    }
  }
  return extent;
}

TEST(DrawText, StaysWithinItsWidthAndLineHeight) {
  for (const int scale : {1, 2, 3}) {
    Image image(400, 60, 3, 255);
    draw_text(image, 0, 0, "Quick gypsy jumps", kBlack, scale);
    const auto [width, height] = ink_extent(image);
    EXPECT_GT(width, 0);
    EXPECT_LE(width, text_width("Quick gypsy jumps", scale));
    EXPECT_LE(height, scale * kLineHeight);
  }
}

TEST(DrawText, DrawsDifferentLettersDifferently) {
  Image a(20, 12, 3, 255);
  Image b = a;
  draw_text(a, 1, 1, "A", kBlack);
  draw_text(b, 1, 1, "B", kBlack);
  EXPECT_NE(a.pixels, b.pixels);
}

TEST(DrawText, CoversFourPixelsForEachAtTwiceTheSize) {
  Image small(200, 40, 3, 255);
  Image large = small;
  draw_text(small, 2, 2, "chair_1", kRed);
  draw_text(large, 2, 2, "chair_1", kRed, 2);
  EXPECT_EQ(count_color(large, kRed), 4 * count_color(small, kRed));
}

TEST(DrawText, IsCutOffAtTheBorders) {
  Image image(10, 6, 3, 255);
  draw_text(image, -8, -3, "wide text beyond every border", kBlack, 2);
  EXPECT_GT(count_color(image, kBlack), 0);
  EXPECT_EQ(image.pixels.size(), 180U);
}

TEST(DrawText, ReplacesOneForeignLetterByOneMark) {
  EXPECT_EQ(text_width("\xC3\xA4x"), text_width("?x"));
  EXPECT_EQ(text_width("a\nb"), text_width("a?b"));
}

TEST(Shorten, KeepsWhatFitsAndMarksWhatItCuts) {
  EXPECT_EQ(shorten("chair", 500), "chair");
  const std::string text = "a very long name of an asset";
  for (const int width : {20, 60, 100}) {
    const std::string cut = shorten(text, width);
    EXPECT_LE(text_width(cut), width);
    EXPECT_EQ(cut.substr(cut.size() - 2), "..");
    EXPECT_EQ(text.substr(0, cut.size() - 2), cut.substr(0, cut.size() - 2));
  }
}

TEST(FillRectangle, FillsOnlyWhatLiesInside) {
  Image image(10, 8, 3, 255);
  fill_rectangle(image, 2, 3, 4, 2, kRed);
  EXPECT_EQ(count_color(image, kRed), 8);
  fill_rectangle(image, 8, 6, 50, 50, kRed);
  fill_rectangle(image, -5, -5, 6, 6, kRed);
  EXPECT_EQ(count_color(image, kRed), 8 + 4 + 1);
}

TEST(FillRectangle, RefusesAnImageThatIsNotRgb) {
  Image grey(4, 4, 1);
  EXPECT_THROW(fill_rectangle(grey, 0, 0, 1, 1, kRed), std::logic_error);
}

TEST(Paste, PutsEveryPixelThatFits) {
  Image target(6, 6, 3, 255);
  Image source(3, 2, 3);
  fill_rectangle(source, 0, 0, 3, 2, kRed);
  paste(target, source, 1, 2);
  EXPECT_EQ(count_color(target, kRed), 6);
  EXPECT_EQ(target.at(1, 2)[0], kRed[0]);
  EXPECT_EQ(target.at(4, 2)[0], 255);
  Image corners(6, 6, 3, 255);
  paste(corners, source, -2, -1);
  paste(corners, source, 5, 5);
  paste(corners, source, 20, 20);
  EXPECT_EQ(count_color(corners, kRed), 2);
}

TEST(Paste, TakesGreyAndTransparentImages) {
  Image target(4, 1, 3, 100);
  paste(target, Image(1, 1, 1, 40), 0, 0);
  paste(target, Image(1, 1, 4, 0), 1, 0);
  EXPECT_EQ(target.at(0, 0)[2], 40);
  EXPECT_EQ(target.at(1, 0)[0], 255);
}

TEST(Enlarge, RepeatsPixels) {
  Image image(2, 1, 1);
  image.pixels = {3, 9};
  const Image larger = enlarge(image, 2);
  EXPECT_EQ(larger.width, 4);
  EXPECT_EQ(larger.height, 2);
  EXPECT_EQ(larger.pixels, (std::vector<uint8_t>{3, 3, 9, 9, 3, 3, 9, 9}));
}

TEST(FitToSquare, KeepsTheWholeImageAndItsShape) {
  Image small(16, 8, 3);
  fill_rectangle(small, 0, 0, 16, 8, kRed);
  const Image enlarged = fit_to_square(small, 40);
  EXPECT_EQ(enlarged.width, 40);
  EXPECT_EQ(enlarged.height, 40);
  EXPECT_EQ(count_color(enlarged, kRed), 32 * 16);
  Image large(300, 150, 3);
  fill_rectangle(large, 0, 0, 300, 150, kRed);
  EXPECT_EQ(count_color(fit_to_square(large, 40), kRed), 40 * 20);
}

}  // namespace
}  // namespace moca::report
