#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moca {

// Rows from the top, channels interleaved: pixels[(y * width + x) * channels + c].
template <class Value>
struct PixelGrid {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<Value> pixels;

  PixelGrid() = default;
  PixelGrid(int width, int height, int channels, Value value = 0)
      : width(width),
        height(height),
        channels(channels),
        pixels(static_cast<size_t>(width) * height * channels, value) {}

  Value* at(int x, int y) { return &pixels[(static_cast<size_t>(y) * width + x) * channels]; }
  const Value* at(int x, int y) const {
    return &pixels[(static_cast<size_t>(y) * width + x) * channels];
  }
};

// An image of 8-bit values. Three channels are RGB, four are RGBA, one is grey.
using Image = PixelGrid<uint8_t>;

// Which component each pixel shows: 0 the background, i + 1 component i. One channel.
using ComponentMap = PixelGrid<uint16_t>;

}  // namespace moca
