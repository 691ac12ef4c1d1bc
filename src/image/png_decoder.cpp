#include <spng.h>

#include <array>
#include <cstring>
#include <vector>

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

class PngDecoder : public Decoder {
 public:
  explicit PngDecoder(const std::string& bytes) : Decoder(bytes) {
    // Text, profiles and unknown chunks may be large; none of them is of use here.
    constexpr size_t kLargestChunk = 64U << 20;
    spng_set_chunk_limits(context_.get(), kLargestChunk, kLargestChunk);
    // One might be a colour key.
    spng_set_crc_action(context_.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    spng_set_png_buffer(context_.get(), bytes_.data(), bytes_.size());
  }

  void read_header() override {
    spng_ihdr header{};
    check(spng_get_ihdr(context_.get(), &header));
    spng_trns key{};
    const int keyed = spng_get_trns(context_.get(), &key);  // reads on to the first data
    if (keyed != SPNG_ECHUNKAVAIL) {
      check(keyed);
    }
    width_ = static_cast<int>(header.width);
    height_ = static_cast<int>(header.height);
    channels_ = channels_of(header, keyed == SPNG_OK);
    color_type_ = header.color_type;
    bits_per_pixel_ = header.bit_depth * kSamples[header.color_type];
    is_deep_grey_ = channels_ == 1 && header.bit_depth == 16;
    // Deflate packs at most 1032 bytes into one, so a small file cannot hold a large image.
    constexpr uint64_t kBestRatio = 1032;
    if (row_bytes() * height_ / kBestRatio > bytes_.size()) {
      throw Mistake("the PNG is cut off");
    }
  }

  size_t bytes_to_read() override {
    return static_cast<size_t>(width_) * height_ * (is_deep_grey_ ? 3 : channels_);
  }

  Image read_image() override {
    Image image(width_, height_, is_deep_grey_ ? 3 : channels_);
    const int format = image.channels == 1   ? SPNG_FMT_G8
                       : image.channels == 3 ? SPNG_FMT_RGB8
                                             : SPNG_FMT_RGBA8;
    decode(image.pixels, format, SPNG_DECODE_TRNS);
    if (is_deep_grey_) {
      const size_t count = static_cast<size_t>(width_) * height_;
      for (size_t i = 0; i < count; ++i) {
        image.pixels[i] = image.pixels[3 * i];
      }
      image.pixels.resize(count);
      image.channels = 1;
    }
    return image;
  }

  ComponentMap read_numbers() override {
    if (color_type_ != SPNG_COLOR_TYPE_GRAYSCALE && color_type_ != SPNG_COLOR_TYPE_INDEXED) {
      throw Mistake(color_type_ == SPNG_COLOR_TYPE_TRUECOLOR ? "it holds colours (RGB), not numbers"
                                                             : "it has an alpha channel");
    }
    std::vector<uint8_t> stored(row_bytes() * height_);
    decode(stored, SPNG_FMT_PNG, 0);
    ComponentMap map(width_, height_, 1);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        *map.at(x, y) = sample_at(&stored[row_bytes() * y], x, bits_per_pixel_);
      }
    }
    return map;
  }

  std::string exif() override {
    spng_exif exif{};
    return spng_get_exif(context_.get(), &exif) == SPNG_OK ? std::string(exif.data, exif.length)
                                                           : "";
  }

 private:
  size_t row_bytes() const { return (static_cast<size_t>(width_) * bits_per_pixel_ + 7) / 8; }

  void decode(std::vector<uint8_t>& target, int format, int flags) {
    check(spng_decode_image(context_.get(), target.data(), target.size(), format, flags));
    check(spng_decode_chunks(context_.get()));
  }

  std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context_{spng_ctx_new(0), spng_ctx_free};
  int channels_ = 0;
  int bits_per_pixel_ = 0;
  int color_type_ = 0;
  bool is_deep_grey_ = false;  // 16 bits, which libspng turns into RGB only
};

}  // namespace

std::unique_ptr<Decoder> png_decoder(const std::string& bytes) {
  return std::make_unique<PngDecoder>(bytes);
}

}  // namespace moca
