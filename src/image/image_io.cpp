#include "moca/image/image_io.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "jpeg_decoder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 16384  // kMaxSide
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace moca {
namespace {

constexpr int kMaxSide = 16384;

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw Error("No picture at " + file.string() + ": expected a PNG or JPEG file.");
  }
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad() || !stream.is_open()) {
    throw Error("Cannot read the picture " + file.string() + ": check its permissions.");
  }
  return bytes;
}

// stb fills what is missing of a JPEG with grey; between the scan's start and end markers a JPEG
// holds neither marker, so a file without an end after its last start was cut off.
bool is_truncated_jpeg(const std::string& bytes) {
  if (!bytes.starts_with("\xFF\xD8")) {
    return false;
  }
  const size_t scan = bytes.rfind("\xFF\xDA");
  return scan == std::string::npos || bytes.find("\xFF\xD9", scan) == std::string::npos;
}

void check(const Image& image, const char* caller) {
  const bool known = image.channels == 1 || image.channels == 3 || image.channels == 4;
  const size_t size = static_cast<size_t>(image.width) * image.height * image.channels;
  if (!known || image.width < 1 || image.height < 1 || image.pixels.size() != size) {
    throw std::logic_error(std::string(caller) + ": image of " + std::to_string(image.width) +
                           " x " + std::to_string(image.height) + " x " +
                           std::to_string(image.channels) + " with " +
                           std::to_string(image.pixels.size()) + " bytes");
  }
}

}  // namespace

Image read_image(const std::filesystem::path& file) {
  return decode_image(read_bytes(file), file.string());
}

Image decode_image(const std::string& bytes, const std::string& name) {
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto length = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int stored = 0;
  const auto refuse = [&](const std::string& reason) {
    throw Error("Cannot read the picture " + name + ": " + reason +
                "; expected a whole PNG or JPEG of at most 16384 pixels a side.");
  };
  if (bytes.size() > INT32_MAX) {
    refuse("the file is larger than 2 GiB");
  }
  if (is_truncated_jpeg(bytes)) {
    refuse("the JPEG is cut off");
  }
  if (is_rgb_or_grey_jpeg(bytes)) {
    JpegDecoder decoder(bytes);
    if (!decoder.read_size() || !decoder.fits(kMaxSide) || !decoder.read_pixels()) {
      refuse(decoder.mistake());
    }
    return decoder.take_image();
  }
  if (stbi_info_from_memory(data, length, &width, &height, &stored) == 0) {
    refuse(stbi_failure_reason());
  }
  const int channels = stored == 2 ? 4 : stored;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, length, &width, &height, &stored, channels), stbi_image_free);
  if (!pixels) {
    refuse(stbi_failure_reason());
  }
  Image image(width, height, channels);
  std::copy_n(pixels.get(), image.pixels.size(), image.pixels.begin());
  return image;
}

std::string encode_png(const Image& image) {
  check(image, "encode_png");
  std::string bytes;
  const auto append = [](void* target, void* data, int size) {
    static_cast<std::string*>(target)->append(static_cast<const char*>(data), size);
  };
  if (stbi_write_png_to_func(append, &bytes, image.width, image.height, image.channels,
                             image.pixels.data(), image.width * image.channels) == 0) {
    throw std::logic_error("encode_png: stb refused the image");
  }
  return bytes;
}

void write_png(const std::filesystem::path& file, const Image& image) {
  write_file(file, encode_png(image));
}

Image to_rgb(const Image& image, uint8_t background) {
  check(image, "to_rgb");
  if (image.channels == 3) {
    return image;
  }
  Image rgb(image.width, image.height, 3);
  const size_t count = static_cast<size_t>(image.width) * image.height;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* from = &image.pixels[i * image.channels];
    const int alpha = image.channels == 4 ? from[3] : 255;
    for (int c = 0; c < 3; ++c) {
      const int value = from[image.channels == 4 ? c : 0];
      const int blended = (value * alpha + background * (255 - alpha) + 127) / 255;
      rgb.pixels[i * 3 + c] = static_cast<uint8_t>(blended);
    }
  }
  return rgb;
}

Image pad_to_square(const Image& image, uint8_t value) {
  check(image, "pad_to_square");
  const int side = std::max(image.width, image.height);
  Image square(side, side, image.channels, value);
  const int left = (side - image.width) / 2;
  const int top = (side - image.height) / 2;
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.at(0, y), static_cast<size_t>(image.width) * image.channels,
                square.at(left, top + y));
  }
  return square;
}

}  // namespace moca
