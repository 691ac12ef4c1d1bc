#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moca {

// A picture of 8-bit values, rows from the top, channels interleaved: pixels[(y * width + x) *
// channels + c]. Three channels are RGB, four are RGBA, one is a grey or id map.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int width, int height, int channels, uint8_t value = 0)
      : width(width),
        height(height),
        channels(channels),
        pixels(static_cast<size_t>(width) * height * channels, value) {}

  uint8_t* at(int x, int y) { return &pixels[(static_cast<size_t>(y) * width + x) * channels]; }
  const uint8_t* at(int x, int y) const {
    return &pixels[(static_cast<size_t>(y) * width + x) * channels];
  }
};

}  // namespace moca
