#pragma once

#include <algorithm>
#include <stdexcept>

#include "image_format.h"
#include "moca/image/image.h"

// What the functions of each format have in common: they decode the bytes of a file into an image
// that is upright where EXIF says how it was held, and throw Mistake where they cannot. Bytes
// behind the image's end (a film, further images) are not looked at.
namespace moca {

// Why a file cannot be decoded.
class Mistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Refuses, once the header is read, an image that is too large or whose decoding would allocate too
// many `bytes`.
inline void require_decodable(int width, int height, size_t bytes) {
  constexpr size_t kMaxBytes = 1'000'000'000;
  if (std::max(width, height) > kMaxImageSide || bytes > kMaxBytes) {
    throw Mistake("it has " + size_text(width, height) + " pixels");
  }
}

// The image as it is to be looked at: by the orientation 1 to 8 that an EXIF block names, with or
// without its heading. As it is where it names none.
template <class Value>
PixelGrid<Value> upright(PixelGrid<Value> image, const std::string& exif);

// A PNG through libspng: eight bits a channel, palettes looked up, the upper eight of sixteen bits
// as Pillow has them. 1 channel (grey), 3 (RGB) or 4 (anything with alpha, a colour key or
// transparent palette entries).
Image decode_png(const std::string& bytes);

// A PNG's grey values or palette entries as stored, neither looked up nor scaled.
ComponentMap decode_png_numbers(const std::string& bytes);

// A JPEG through libjpeg-turbo with its default settings (accurate integer DCT, smooth upsampling
// of the colours): Pillow's bits. Grey or RGB; CMYK becomes RGB. Data that is missing or corrupt is
// a mistake, not grey as in libjpeg.
Image decode_jpeg(const std::string& bytes);

// A WebP through libwebp: RGB, or RGBA where the file says that it has alpha.
Image decode_webp(const std::string& bytes);

}  // namespace moca
