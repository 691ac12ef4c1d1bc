#include "moca/image/foreground.h"

#include <algorithm>

#include "image_format.h"
#include "moca/core/error.h"
#include "moca/core/logging.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"

namespace moca {
namespace {

struct Box {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// The box of alpha > 0; width 0 when there is none.
Box foreground_box(const Image& rgba) {
  int left = rgba.width, top = rgba.height;
  int right = -1, bottom = -1;
  for (int y = 0; y < rgba.height; ++y) {
    for (int x = 0; x < rgba.width; ++x) {
      if (rgba.at(x, y)[3] > 0) {
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = y;
      }
    }
  }
  return right < 0 ? Box{} : Box{left, top, right - left + 1, bottom - top + 1};
}

// In float and truncated, as the reference's tensors are.
uint8_t to_byte(float value) { return static_cast<uint8_t>(value * 255.0F); }

void check(const Image& rgba, const std::array<double, 3>& background, double padding_ratio) {
  const bool colour = std::all_of(background.begin(), background.end(),
                                  [](double value) { return value >= 0.0 && value <= 1.0; });
  if (rgba.channels != 4 || !colour || !(padding_ratio >= 0.0 && padding_ratio <= 1000.0)) {
    throw std::logic_error(
        formatted("crop_to_foreground: %d channels, background %f %f %f, padding_ratio %f",
                  rgba.channels, background[0], background[1], background[2], padding_ratio));
  }
}

// By area so that no side is longer than `longest_edge`, both rounded down; a smaller image is
// returned as is.
Image limit_longest_edge(const Image& image, int longest_edge) {
  const double scale = static_cast<double>(longest_edge) / std::max(image.width, image.height);
  if (scale >= 1.0) {
    return image;
  }
  return resize_area(image, std::max(static_cast<int>(image.width * scale), 1),
                     std::max(static_cast<int>(image.height * scale), 1));
}

}  // namespace

bool has_usable_alpha(const Image& image) {
  constexpr int kBins = 20;
  constexpr double kLeastShare = 0.01;
  if (image.channels != 4) {
    return false;
  }
  int64_t first = 0, last = 0;
  for (size_t i = 3; i < image.pixels.size(); i += 4) {
    const int bin = image.pixels[i] * kBins / 256;
    first += bin == 0 ? 1 : 0;
    last += bin == kBins - 1 ? 1 : 0;
  }
  const double least = static_cast<double>(image.height) * image.width * kLeastShare;
  return static_cast<double>(first) >= least && static_cast<double>(last) >= least;
}

Image crop_to_foreground(const Image& rgba, const std::array<double, 3>& background,
                         double padding_ratio) {
  check(rgba, background, padding_ratio);
  const Box box = foreground_box(rgba);
  if (box.width == 0) {
    throw Error("the image of ", size_text(rgba.width, rgba.height),
                " pixels is transparent everywhere: nothing to crop to. Give one with a visible "
                "foreground.");
  }
  // Every int(...) of the reference is a truncation.
  const int longer = std::max(box.width, box.height);
  const int padding = static_cast<int>(longer * padding_ratio);
  const int left = static_cast<int>(padding + (longer - box.width) / 2.0);
  const int top = static_cast<int>(padding + (longer - box.height) / 2.0);
  const auto gray = to_byte(static_cast<float>(background[0]));
  Image square(box.width + 2 * left, box.height + 2 * top, 3, gray);
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      const uint8_t* from = rgba.at(box.left + x, box.top + y);
      uint8_t* to = square.at(left + x, top + y);
      const float alpha = static_cast<float>(from[3]) / 255.0F;
      for (int c = 0; c < 3; ++c) {
        const float foreground = static_cast<float>(from[c]) / 255.0F * alpha;
        to[c] = to_byte(foreground + static_cast<float>(background[c]) * (1.0F - alpha));
      }
    }
  }
  return square;
}

Image image_to_show(const Image& image, bool crop, const std::string& name) {
  constexpr int kLongestSide = 2000;  // PartCrafter's prepare_image
  if (image.channels == 4 && foreground_box(image).width == 0) {
    throw Error("the image ", name,
                " is transparent everywhere: there is nothing to see. Give one with a visible "
                "foreground.");
  }
  if (!crop) {
    return to_rgb(image);
  }
  const Image limited = limit_longest_edge(image, kLongestSide);
  if (!has_usable_alpha(limited)) {
    log::info("the image " + name + " is not cropped to its foreground: " +
              (image.channels == 4 ? "its alpha does not tell it from a background"
                                   : "it has no alpha, and moca removes no backgrounds"));
    return to_rgb(image);
  }
  return crop_to_foreground(limited);
}

}  // namespace moca
