#pragma once

#include <cstdint>
#include <random>

#include "moca/image/image.h"

namespace moca::testing {

// Independent bytes: the hardest picture to resize alike.
inline Image random_image(int width, int height, int channels, uint32_t seed) {
  Image image(width, height, channels);
  std::mt19937 engine(seed);
  for (uint8_t& value : image.pixels) {
    value = static_cast<uint8_t>(engine());
  }
  return image;
}

}  // namespace moca::testing
