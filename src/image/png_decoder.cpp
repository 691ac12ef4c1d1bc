#include <spng.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "decoder.h"

namespace moca {
namespace {

int channels_of(const spng_ihdr& header, bool has_key) {
  const bool is_grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE;
  const bool is_rgb = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR ||
                      header.color_type == SPNG_COLOR_TYPE_INDEXED;
  return has_key || !(is_grey || is_rgb) ? 4 : is_grey ? 1 : 3;
}

// Samples a pixel, by PNG's numbers of colour types: grey, RGB, palette, grey and RGB with alpha.
constexpr std::array<int, 7> kSamples = {1, 0, 3, 1, 2, 0, 4};

// Sample x of a row of 1, 2, 4, 8 (the first in the upper bits) or 16 bits a sample.
uint16_t sample_at(const uint8_t* row, int x, int bits) {
  if (bits == 16) {
    uint16_t value = 0;
    std::memcpy(&value, row + 2 * static_cast<size_t>(x), 2);
    return value;
  }
  const int samples_a_byte = 8 / bits;
  const int shift = 8 - bits * (x % samples_a_byte + 1);
  return static_cast<uint16_t>(row[x / samples_a_byte] >> shift & ((1 << bits) - 1));
}

void check(int code) {
  const bool ends = code == SPNG_EOF || code == SPNG_IO_EOF || code == SPNG_EIDAT_TOO_SHORT;
  if (code != SPNG_OK) {
    throw Mistake(ends ? "the PNG is cut off"
                       : std::string("the PNG is broken: ") + spng_strerror(code));
  }
}

// A file of which the header and what stands before the first data has been read.
struct PngFile {
  explicit PngFile(const std::string& bytes) {
    // Text, profiles and unknown chunks may be large; none of them is of use here.
    constexpr size_t kLargestChunk = 64U << 20;
    spng_set_chunk_limits(context.get(), kLargestChunk, kLargestChunk);
    // One might be a colour key.
    spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    spng_set_png_buffer(context.get(), bytes.data(), bytes.size());
    check(spng_get_ihdr(context.get(), &header));
    spng_trns key{};
    const int keyed = spng_get_trns(context.get(), &key);
    if (keyed != SPNG_ECHUNKAVAIL) {
      check(keyed);
    }
    has_key = keyed == SPNG_OK;
    width = static_cast<int>(header.width);
    height = static_cast<int>(header.height);
    bits_per_pixel = header.bit_depth * kSamples[header.color_type];
    row_bytes = (static_cast<size_t>(width) * bits_per_pixel + 7) / 8;
    // Deflate packs at most 1032 bytes into one, so a small file cannot hold a large image.
    constexpr uint64_t kBestRatio = 1032;
    if (row_bytes * height / kBestRatio > bytes.size()) {
      throw Mistake("the PNG is cut off");
    }
  }

  void decode(std::vector<uint8_t>& target, int format, int flags) const {
    check(spng_decode_image(context.get(), target.data(), target.size(), format, flags));
    check(spng_decode_chunks(context.get()));
  }

  // The stored EXIF block; empty: there is none.
  std::string exif() const {
    spng_exif exif{};
    return spng_get_exif(context.get(), &exif) == SPNG_OK ? std::string(exif.data, exif.length)
                                                          : "";
  }

  std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context{spng_ctx_new(0), spng_ctx_free};
  spng_ihdr header{};
  bool has_key = false;
  int width = 0;
  int height = 0;
  int bits_per_pixel = 0;
  size_t row_bytes = 0;
};

}  // namespace

Image decode_png(const std::string& bytes) {
  const PngFile file(bytes);
  const int channels = channels_of(file.header, file.has_key);
  const size_t count = static_cast<size_t>(file.width) * file.height;
  // 16 bits of grey, which libspng turns into RGB only.
  const bool is_deep_grey = channels == 1 && file.header.bit_depth == 16;
  const int decoded_channels = is_deep_grey ? 3 : channels;
  require_decodable(file.width, file.height, count * decoded_channels);
  Image image(file.width, file.height, decoded_channels);
  const int format = decoded_channels == 1   ? SPNG_FMT_G8
                     : decoded_channels == 3 ? SPNG_FMT_RGB8
                                             : SPNG_FMT_RGBA8;
  file.decode(image.pixels, format, SPNG_DECODE_TRNS);
  if (is_deep_grey) {
    for (size_t i = 0; i < count; ++i) {
      image.pixels[i] = image.pixels[3 * i];
    }
    image.pixels.resize(count);
    image.channels = 1;
  }
  return upright(std::move(image), file.exif());
}

ComponentMap decode_png_numbers(const std::string& bytes) {
  const PngFile file(bytes);
  if (std::max(file.width, file.height) > kMaxImageSide) {
    throw Mistake("it has " + size_text(file.width, file.height) +
                  " pixels, at most 16384 a side are read");
  }
  const int type = file.header.color_type;
  if (type != SPNG_COLOR_TYPE_GRAYSCALE && type != SPNG_COLOR_TYPE_INDEXED) {
    throw Mistake(type == SPNG_COLOR_TYPE_TRUECOLOR ? "it holds colours (RGB), not numbers"
                                                    : "it has an alpha channel");
  }
  std::vector<uint8_t> stored(file.row_bytes * file.height);
  file.decode(stored, SPNG_FMT_PNG, 0);
  ComponentMap map(file.width, file.height, 1);
  for (int y = 0; y < file.height; ++y) {
    for (int x = 0; x < file.width; ++x) {
      *map.at(x, y) = sample_at(&stored[file.row_bytes * y], x, file.bits_per_pixel);
    }
  }
  return upright(std::move(map), file.exif());
}

}  // namespace moca
