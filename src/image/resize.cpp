#include "moca/image/resize.h"

#include <algorithm>
#include <cmath>

#include "image_format.h"
#include "moca/core/error.h"
#include "moca/image/image_io.h"

namespace moca {
namespace {

constexpr int kLongestEdge = 65536;  // so that a strip of an image cannot exhaust the memory

template <class Value>
void check(const PixelGrid<Value>& image, int width, int height, const char* caller) {
  if (image.width < 1 || image.height < 1 || width < 1 || height < 1) {
    throw std::logic_error(std::string(caller) + ": " + size_text(image.width, image.height) +
                           " to " + size_text(width, height));
  }
}

// The input pixels that one output pixel reads along an axis, and the weight of each.
template <class Weight>
struct Taps {
  int first = 0;
  std::vector<Weight> weights = {};
};

// Those of every output pixel.
template <class Weight>
std::vector<Taps<Weight>> all_taps(Taps<Weight> (*taps_of)(int output, int from, int to), int from,
                                   int to) {
  std::vector<Taps<Weight>> taps(to);
  for (int output = 0; output < to; ++output) {
    taps[output] = taps_of(output, from, to);
  }
  return taps;
}

// --- bicubic, after Pillow's Resample.c ---

constexpr int kFixedPointBits = 22;  // Pillow: PRECISION_BITS

double cubic(double x) {
  constexpr double kA = -0.5;  // Pillow's bicubic; torch and OpenCV use -0.75
  x = std::abs(x);
  if (x < 1.0) {
    return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
  }
  return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * kA : 0.0;
}

int half_up(double value) { return static_cast<int>(std::floor(value + 0.5)); }

// Weights in fixed point, summing to about 2^22.
Taps<int32_t> cubic_taps(int output, int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double filter_scale = std::max(scale, 1.0);  // wider when shrinking: antialiasing
  const double support = 2.0 * filter_scale;
  const double centre = (output + 0.5) * scale;
  Taps<int32_t> taps{.first = std::max(half_up(centre - support), 0)};
  const int end = std::min(half_up(centre + support), from);
  std::vector<double> weights;
  double sum = 0.0;
  for (int i = taps.first; i < end; ++i) {
    weights.push_back(cubic((i - centre + 0.5) * (1.0 / filter_scale)));
    sum += weights.back();
  }
  for (const double weight : weights) {
    const double fixed = (sum != 0.0 ? weight / sum : weight) * (1 << kFixedPointBits);
    taps.weights.push_back(static_cast<int32_t>(fixed < 0.0 ? fixed - 0.5 : fixed + 0.5));
  }
  return taps;
}

// The weighted sum of bytes that lie `stride` apart.
uint8_t weighted(const Taps<int32_t>& taps, const uint8_t* first, size_t stride) {
  int32_t sum = 1 << (kFixedPointBits - 1);  // rounds
  for (const int32_t weight : taps.weights) {
    sum += weight * *first;
    first += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kFixedPointBits, 0, 255));
}

Image cubic_columns(const Image& image, int width) {
  if (width == image.width) {
    return image;
  }
  const auto taps = all_taps(cubic_taps, image.width, width);
  Image resized(width, image.height, image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        resized.at(x, y)[c] = weighted(taps[x], image.at(taps[x].first, y) + c, image.channels);
      }
    }
  }
  return resized;
}

Image cubic_rows(const Image& image, int height) {
  if (height == image.height) {
    return image;
  }
  const auto taps = all_taps(cubic_taps, image.height, height);
  const size_t row = static_cast<size_t>(image.width) * image.channels;
  Image resized(image.width, height, image.channels);
  for (int y = 0; y < height; ++y) {
    for (size_t i = 0; i < row; ++i) {
      resized.at(0, y)[i] = weighted(taps[y], image.at(0, taps[y].first) + i, row);
    }
  }
  return resized;
}

// Pillow 13 takes the vertical pass first where the height loses much more than the width (its pull
// request 9549); measured on 13.0.0. Older ones never do.
bool rows_come_first(const Image& image, int width, int height) {
  return image.height > height && image.height - height > 2 * (image.width - width);
}

// --- area, after OpenCV's INTER_AREA ---

Taps<float> area_taps(int output, int from, int to) {
  const double scale = 1.0 / (static_cast<double>(to) / from);  // in OpenCV's rounding
  constexpr double kLeast = 1e-3;  // OpenCV leaves smaller overlaps out
  const double low = output * scale;
  const double high = low + scale;
  const double covered = std::min(scale, from - low);
  const int last = std::min(static_cast<int>(std::floor(high)), from - 1);
  const int whole = std::min(static_cast<int>(std::ceil(low)), last);
  Taps<float> taps{.first = whole};
  if (whole - low > kLeast) {
    --taps.first;
    taps.weights.push_back(static_cast<float>((whole - low) / covered));
  }
  taps.weights.insert(taps.weights.end(), last - whole, static_cast<float>(1.0 / covered));
  if (high - last > kLeast) {
    const double overlap = std::min({high - last, 1.0, covered});
    taps.weights.push_back(static_cast<float>(overlap / covered));
  }
  return taps;
}

uint8_t rounded(float value) {  // half to even
  return static_cast<uint8_t>(std::clamp(std::lrint(value), 0L, 255L));
}

int block_sum(const uint8_t* first, size_t row, int channels, int width, int height) {
  int sum = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      sum += first[y * row + static_cast<size_t>(x) * channels];
    }
  }
  return sum;
}

// Blocks of whole pixels: sums of integers, as OpenCV takes them.
Image average_blocks(const Image& image, int block_width, int block_height) {
  Image resized(image.width / block_width, image.height / block_height, image.channels);
  const float factor = 1.0F / static_cast<float>(block_width * block_height);
  const size_t row = static_cast<size_t>(image.width) * image.channels;
  const bool halves = block_width == 2 && block_height == 2;  // OpenCV rounds these half up
  for (int y = 0; y < resized.height; ++y) {
    for (int x = 0; x < resized.width; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        const int sum = block_sum(image.at(x * block_width, y * block_height) + c, row,
                                  image.channels, block_width, block_height);
        resized.at(x, y)[c] = halves ? static_cast<uint8_t>((sum + 2) / 4)
                                     : rounded(static_cast<float>(sum) * factor);
      }
    }
  }
  return resized;
}

// One row of the image, resized along it.
void average_along(const uint8_t* source, int channels, const std::vector<Taps<float>>& columns,
                   std::vector<float>& row) {
  for (size_t x = 0; x < columns.size(); ++x) {
    for (int c = 0; c < channels; ++c) {
      const uint8_t* value = source + static_cast<size_t>(columns[x].first) * channels + c;
      float sum = 0.0F;
      for (const float weight : columns[x].weights) {
        sum += weight * static_cast<float>(*value);
        value += channels;
      }
      row[x * channels + c] = sum;
    }
  }
}

Image average_area(const Image& image, int width, int height) {
  const auto columns = all_taps(area_taps, image.width, width);
  const auto rows = all_taps(area_taps, image.height, height);
  Image resized(width, height, image.channels);
  std::vector<float> row(static_cast<size_t>(width) * image.channels);
  for (int y = 0; y < height; ++y) {
    std::vector<float> sum(row.size());
    for (size_t k = 0; k < rows[y].weights.size(); ++k) {
      average_along(image.at(0, rows[y].first + static_cast<int>(k)), image.channels, columns, row);
      for (size_t i = 0; i < row.size(); ++i) {
        sum[i] += rows[y].weights[k] * row[i];
      }
    }
    std::transform(sum.begin(), sum.end(), resized.at(0, y), rounded);
  }
  return resized;
}

// torch: upsample_nearest2d.
int nearest(int output, int from, int to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  return std::min(static_cast<int>(std::floor(static_cast<float>(output) * scale)), from - 1);
}

// Python's floor division by 2.
int floor_half(int value) { return (value - (value < 0 ? 1 : 0)) / 2; }

}  // namespace

Image resize_bicubic(const Image& image, int width, int height) {
  check(image, width, height, "resize_bicubic");
  // Between the two passes the values are bytes, so their order shows in the result.
  return rows_come_first(image, width, height) ? cubic_columns(cubic_rows(image, height), width)
                                               : cubic_rows(cubic_columns(image, width), height);
}

template <class Value>
PixelGrid<Value> resize_nearest(const PixelGrid<Value>& image, int width, int height) {
  check(image, width, height, "resize_nearest");
  PixelGrid<Value> resized(width, height, image.channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::copy_n(image.at(nearest(x, image.width, width), nearest(y, image.height, height)),
                  image.channels, resized.at(x, y));
    }
  }
  return resized;
}

template Image resize_nearest(const Image& image, int width, int height);
template ComponentMap resize_nearest(const ComponentMap& map, int width, int height);

Image resize_area(const Image& image, int width, int height) {
  check(image, width, height, "resize_area");
  if (image.width % width == 0 && image.height % height == 0) {
    return average_blocks(image, image.width / width, image.height / height);
  }
  return average_area(image, width, height);
}

Image resize_shortest_edge(const Image& image, int shortest_edge) {
  check(image, shortest_edge, shortest_edge, "resize_shortest_edge");
  const int64_t shorter = std::min(image.width, image.height);
  const int64_t longer = std::max(image.width, image.height);
  const int64_t other_edge = shortest_edge * longer / shorter;
  if (other_edge > kLongestEdge) {
    throw Error("an image of ", size_text(image.width, image.height), " pixels becomes ",
                other_edge, " long when its shorter side is resized to ", shortest_edge,
                ": at most ", kLongestEdge, " is taken. Crop it first.");
  }
  const auto other = static_cast<int>(other_edge);
  return image.width <= image.height ? resize_bicubic(image, shortest_edge, other)
                                     : resize_bicubic(image, other, shortest_edge);
}

Image to_square_rgb(const Image& image, int size) {
  auto square = pad_to_square(to_rgb(image));
  return square.width == size ? square : resize_area(square, size, size);
}

Image center_crop(const Image& image, int width, int height) {
  check(image, width, height, "center_crop");
  const int left = floor_half(image.width - width);
  const int top = floor_half(image.height - height);
  Image crop(width, height, image.channels);
  const int first = std::max(-left, 0);
  const int end = std::min(image.width - left, width);
  for (int y = std::max(-top, 0); y < std::min(image.height - top, height); ++y) {
    std::copy_n(image.at(left + first, top + y), static_cast<size_t>(end - first) * image.channels,
                crop.at(first, y));
  }
  return crop;
}

}  // namespace moca
