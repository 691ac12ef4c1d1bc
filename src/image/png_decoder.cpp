#include "png_decoder.h"

#include <spng.h>

#include <cstring>
#include <vector>

namespace moca {
namespace {

int channels_of(const spng_ihdr& header, bool has_key) {
  switch (header.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
      return has_key ? 4 : 1;
    case SPNG_COLOR_TYPE_TRUECOLOR:
    case SPNG_COLOR_TYPE_INDEXED:
      return has_key ? 4 : 3;
    default:
      return 4;
  }
}

int samples_of(const spng_ihdr& header) {
  switch (header.color_type) {
    case SPNG_COLOR_TYPE_TRUECOLOR:
      return 3;
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      return 4;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      return 2;
    default:
      return 1;
  }
}

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

}  // namespace

PngDecoder::PngDecoder(const std::string& bytes) : Decoder(bytes), context_(spng_ctx_new(0)) {
  // Text, profiles and unknown chunks may be large; none of them is of use here.
  constexpr size_t kLargestChunk = 64U << 20;
  spng_set_chunk_limits(context_, kLargestChunk, kLargestChunk);
  spng_set_crc_action(context_, SPNG_CRC_ERROR, SPNG_CRC_ERROR);  // one might be a colour key
  spng_set_png_buffer(context_, bytes_.data(), bytes_.size());
}

PngDecoder::~PngDecoder() { spng_ctx_free(context_); }

bool PngDecoder::succeeded(int code) {
  if (code == SPNG_OK) {
    return true;
  }
  const bool ends = code == SPNG_EOF || code == SPNG_IO_EOF || code == SPNG_EIDAT_TOO_SHORT;
  mistake_ = ends ? "the PNG is cut off" : std::string("the PNG is broken: ") + spng_strerror(code);
  return false;
}

// Deflate packs at most 1032 bytes into one, so a small file cannot hold a large image.
bool PngDecoder::is_cut_off() const {
  constexpr uint64_t kBestRatio = 1032;
  const uint64_t row = (static_cast<uint64_t>(width_) * bits_per_pixel_ + 7) / 8;
  return row * height_ / kBestRatio > bytes_.size();
}

bool PngDecoder::read_header() {
  spng_ihdr header{};
  if (!succeeded(spng_get_ihdr(context_, &header))) {
    return false;
  }
  spng_trns key{};
  const int keyed = spng_get_trns(context_, &key);  // reads on to the first data
  if (keyed != SPNG_OK && keyed != SPNG_ECHUNKAVAIL) {
    return succeeded(keyed);
  }
  width_ = static_cast<int>(header.width);
  height_ = static_cast<int>(header.height);
  channels_ = channels_of(header, keyed == SPNG_OK);
  color_type_ = header.color_type;
  bits_per_pixel_ = header.bit_depth * samples_of(header);
  is_deep_grey_ = channels_ == 1 && header.bit_depth == 16;
  if (is_cut_off()) {
    mistake_ = "the PNG is cut off";
    return false;
  }
  return true;
}

size_t PngDecoder::bytes_to_read() {
  return static_cast<size_t>(width_) * height_ * (is_deep_grey_ ? 3 : channels_);
}

bool PngDecoder::read_image(Image& image) {
  const int read_as = is_deep_grey_ ? 3 : channels_;
  image = Image(width_, height_, read_as);
  const int format = read_as == 1 ? SPNG_FMT_G8 : read_as == 3 ? SPNG_FMT_RGB8 : SPNG_FMT_RGBA8;
  if (!succeeded(spng_decode_image(context_, image.pixels.data(), image.pixels.size(), format,
                                   SPNG_DECODE_TRNS)) ||
      !succeeded(spng_decode_chunks(context_))) {
    return false;
  }
  if (is_deep_grey_) {
    const size_t count = static_cast<size_t>(width_) * height_;
    for (size_t i = 0; i < count; ++i) {
      image.pixels[i] = image.pixels[3 * i];
    }
    image.pixels.resize(count);
    image.channels = 1;
  }
  return true;
}

bool PngDecoder::read_numbers(ComponentMap& map) {
  if (color_type_ != SPNG_COLOR_TYPE_GRAYSCALE && color_type_ != SPNG_COLOR_TYPE_INDEXED) {
    mistake_ = color_type_ == SPNG_COLOR_TYPE_TRUECOLOR ? "it holds colours (RGB), not numbers"
                                                        : "it has an alpha channel";
    return false;
  }
  const size_t row = (static_cast<size_t>(width_) * bits_per_pixel_ + 7) / 8;
  std::vector<uint8_t> stored(row * height_);
  if (!succeeded(spng_decode_image(context_, stored.data(), stored.size(), SPNG_FMT_PNG, 0)) ||
      !succeeded(spng_decode_chunks(context_))) {
    return false;
  }
  map = ComponentMap(width_, height_, 1);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      *map.at(x, y) = sample_at(&stored[row * y], x, bits_per_pixel_);
    }
  }
  return true;
}

std::string PngDecoder::exif() {
  spng_exif exif{};
  return spng_get_exif(context_, &exif) == SPNG_OK ? std::string(exif.data, exif.length) : "";
}

}  // namespace moca
