#include "moca/image/image_io.h"

#include <spng.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "decoder.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"

namespace moca {
namespace {

void check(const Image& image, const char* caller) {
  const bool known = image.channels == 1 || image.channels == 3 || image.channels == 4;
  const size_t size = static_cast<size_t>(image.width) * image.height * image.channels;
  if (!known || image.width < 1 || image.height < 1 || image.pixels.size() != size) {
    throw std::logic_error(concatenated(caller, ": image of ", size_text(image.width, image.height),
                                        " x ", image.channels, " with ", image.pixels.size(),
                                        " bytes"));
  }
}

template <class Value>
PixelGrid<Value> padded_to_square(const PixelGrid<Value>& image, Value value) {
  const int side = std::max(image.width, image.height);
  PixelGrid<Value> square(side, side, image.channels, value);
  const int left = (side - image.width) / 2;
  const int top = (side - image.height) / 2;
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.at(0, y), static_cast<size_t>(image.width) * image.channels,
                square.at(left, top + y));
  }
  return square;
}

}  // namespace

Image read_image(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw Error("No image at ", file, ": expected a PNG, JPEG or WebP file.");
  }
  return decode_image(read_file(file), file.string());
}

// Throws away nothing that the file says of the pixels: colour key, alpha, which side is up.
Image decode_image(const std::string& bytes, const std::string& name) {
  static const std::map<std::string, Image (*)(const std::string&)> kDecoders = {
      {"PNG", decode_png}, {"JPEG", decode_jpeg}, {"WebP", decode_webp}};
  try {
    const auto format = format_of(bytes);
    const auto found = kDecoders.find(format);
    if (found == kDecoders.end()) {
      throw Mistake(format.empty() ? "its bytes are no image's" : "it is in the format " + format);
    }
    return found->second(bytes);
  } catch (const Mistake& mistake) {
    throw Error("Cannot read the image ", name, ": ", mistake.what(),
                ". Expected a whole PNG, JPEG or WebP of at most 16384 pixels a side that takes at "
                "most 1 GB to decode.");
  }
}

std::string encode_png(const Image& image) {
  check(image, "encode_png");
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(SPNG_CTX_ENCODER),
                                                               spng_ctx_free);
  spng_ihdr header{};
  header.width = image.width;
  header.height = image.height;
  header.bit_depth = 8;
  header.color_type = image.channels == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
                      : image.channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                            : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  spng_set_ihdr(context.get(), &header);
  int failure = spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(),
                                  SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> bytes(
      failure == 0 ? spng_get_png_buffer(context.get(), &size, &failure) : nullptr, std::free);
  if (bytes == nullptr) {
    throw std::logic_error(std::string("encode_png: ") + spng_strerror(failure));
  }
  return {static_cast<const char*>(bytes.get()), size};
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
  return padded_to_square(image, value);
}

ComponentMap pad_to_square(const ComponentMap& map) { return padded_to_square(map, uint16_t{0}); }

}  // namespace moca
