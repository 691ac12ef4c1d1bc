#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "moca/image/image_io.h"

namespace moca {
namespace {

// The input pixels that one output pixel covers along an axis, and the weight of each (sum 1).
struct Coverage {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Coverage> coverages(int from, int to) {
  std::vector<Coverage> result(to);
  const double scale = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double low = i * scale;
    const double high = (i + 1) * scale;
    result[i].first = std::min(static_cast<int>(low), from - 1);
    const int last = std::clamp(static_cast<int>(std::ceil(high)) - 1, result[i].first, from - 1);
    for (int k = result[i].first; k <= last; ++k) {
      const double overlap = std::min(high, k + 1.0) - std::max(low, static_cast<double>(k));
      result[i].weights.push_back(static_cast<float>(std::max(overlap, 0.0) / scale));
    }
  }
  return result;
}

}  // namespace

Image resize_area(const Image& image, int width, int height) {
  if (image.width < 1 || image.height < 1 || width < 1 || height < 1) {
    throw std::logic_error("resize_area: " + std::to_string(image.width) + " x " +
                           std::to_string(image.height) + " to " + std::to_string(width) + " x " +
                           std::to_string(height));
  }
  const int channels = image.channels;
  const std::vector<Coverage> columns = coverages(image.width, width);
  const std::vector<Coverage> rows = coverages(image.height, height);
  Image resized(width, height, channels);
  std::vector<float> line(static_cast<size_t>(image.width) * channels);
  for (int y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), 0.0F);
    for (size_t k = 0; k < rows[y].weights.size(); ++k) {
      const uint8_t* source = image.at(0, rows[y].first + static_cast<int>(k));
      for (size_t i = 0; i < line.size(); ++i) {
        line[i] += rows[y].weights[k] * source[i];
      }
    }
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (size_t k = 0; k < columns[x].weights.size(); ++k) {
          sum += columns[x].weights[k] * line[(columns[x].first + k) * channels + c];
        }
        resized.at(x, y)[c] = static_cast<uint8_t>(std::clamp(sum + 0.5F, 0.0F, 255.0F));
      }
    }
  }
  return resized;
}

}  // namespace moca
