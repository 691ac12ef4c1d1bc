#include "drawing.h"

#include <stb/stb_easy_font.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "moca/image/image_io.h"
#include "moca/image/resize.h"

namespace moca::report {
namespace {

// Layout of stb_easy_font's vertex buffer: 16 bytes a vertex, four vertices a rectangle.
struct Vertex {
  float x;
  float y;
  float z;
  uint8_t rgba[4];
};
static_assert(sizeof(Vertex) == 16);
// A letter takes about 270 bytes (stb_easy_font.h); twice that is safe.
constexpr size_t kBytesPerLetter = 540;

void require_rgb(const Image& image) {
  if (image.channels != 3) {
    throw std::logic_error("drawing: an RGB image is needed, got " +
                           std::to_string(image.channels) + " channels");
  }
}

// One line of the letters that the font has.
std::string drawable(std::string_view text) {
  std::string line;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x80 && byte < 0xC0) {
      continue;  // a later byte of a UTF-8 letter
    }
    line.push_back(byte >= 32 && byte < 127 ? letter : '?');
  }
  return line;
}

}  // namespace

int text_width(std::string_view text, int scale) {
  std::string line = drawable(text);
  return scale * stb_easy_font_width(line.data());
}

void draw_text(Image& image, int x, int y, std::string_view text, const Color& color, int scale) {
  std::string line = drawable(text);
  std::vector<Vertex> corners((line.size() * kBytesPerLetter + sizeof(Vertex)) / sizeof(Vertex));
  const int num_rectangles = stb_easy_font_print(0, 0, line.data(), nullptr, corners.data(),
                                                 static_cast<int>(corners.size() * sizeof(Vertex)));
  for (int i = 0; i < num_rectangles; ++i) {
    const Vertex& low = corners[4 * static_cast<size_t>(i)];
    const Vertex& high = corners[4 * static_cast<size_t>(i) + 2];
    const int left = static_cast<int>(low.x);
    const int top = static_cast<int>(low.y);
    fill_rectangle(image, x + scale * left, y + scale * top,
                   scale * (static_cast<int>(high.x) - left),
                   scale * (static_cast<int>(high.y) - top), color);
  }
}

std::string shorten(std::string_view text, int width, int scale) {
  std::string line = drawable(text);
  if (text_width(line, scale) <= width) {
    return line;
  }
  while (!line.empty() && text_width(line + "..", scale) > width) {
    line.pop_back();
  }
  return line + "..";
}

void fill_rectangle(Image& image, int x, int y, int width, int height, const Color& color) {
  require_rgb(image);
  const int right = std::min(x + width, image.width);
  const int bottom = std::min(y + height, image.height);
  for (int row = std::max(y, 0); row < bottom; ++row) {
    for (int column = std::max(x, 0); column < right; ++column) {
      std::copy(color.begin(), color.end(), image.at(column, row));
    }
  }
}

void paste(Image& target, const Image& source, int x, int y) {
  require_rgb(target);
  const Image rgb = to_rgb(source);
  const int left = std::max(0, -x);
  const int right = std::min(rgb.width, target.width - x);
  for (int row = std::max(0, -y); row < std::min(rgb.height, target.height - y); ++row) {
    if (right > left) {
      std::copy_n(rgb.at(left, row), static_cast<size_t>(right - left) * 3,
                  target.at(x + left, y + row));
    }
  }
}

Image enlarge(const Image& image, int factor) {
  Image larger(image.width * factor, image.height * factor, image.channels);
  for (int y = 0; y < larger.height; ++y) {
    for (int x = 0; x < larger.width; ++x) {
      std::copy_n(image.at(x / factor, y / factor), image.channels, larger.at(x, y));
    }
  }
  return larger;
}

Image fit_to_square(const Image& image, int size) {
  Image rgb = to_rgb(image);
  const int longest = std::max(rgb.width, rgb.height);
  if (longest > size) {
    rgb = resize_area(rgb, std::max(rgb.width * size / longest, 1),
                      std::max(rgb.height * size / longest, 1));
  } else if (longest > 0) {
    rgb = enlarge(rgb, size / longest);
  }
  Image square(size, size, 3, 255);
  paste(square, rgb, (size - rgb.width) / 2, (size - rgb.height) / 2);
  return square;
}

}  // namespace moca::report
