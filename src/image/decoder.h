#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "moca/image/image.h"

namespace moca {

// Why a file cannot be decoded.
class Mistake : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Decodes the bytes of a file, which must outlive it. One use: read_header, then read_image or
// read_numbers; each throws Mistake. Bytes behind the image's end (a film, further images) are not
// looked at.
class Decoder {
 public:
  explicit Decoder(const std::string& bytes) : bytes_(bytes) {}
  virtual ~Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  virtual void read_header() = 0;
  // Bytes that read_image allocates.
  virtual size_t bytes_to_read() = 0;
  virtual Image read_image() = 0;
  // Grey values or palette entries as stored, neither looked up nor scaled: of a PNG.
  virtual ComponentMap read_numbers() { throw Mistake("it does not keep numbers as they are"); }
  // The stored EXIF block; empty: there is none.
  virtual std::string exif() = 0;

  int width() const { return width_; }
  int height() const { return height_; }

 protected:
  const std::string& bytes_;
  int width_ = 0;
  int height_ = 0;
};

// A PNG through libspng: eight bits a channel, palettes looked up, the upper eight of sixteen bits
// as Pillow has them. 1 channel (grey), 3 (RGB) or 4 (anything with alpha, a colour key or
// transparent palette entries).
std::unique_ptr<Decoder> png_decoder(const std::string& bytes);

// A JPEG through libjpeg-turbo with its default settings (accurate integer DCT, smooth upsampling
// of the colours): Pillow's bits. Grey or RGB; CMYK becomes RGB. Data that is missing or corrupt is
// a mistake, not grey as in libjpeg.
std::unique_ptr<Decoder> jpeg_decoder(const std::string& bytes);

// A WebP through libwebp: RGB, or RGBA where the file says that it has alpha.
std::unique_ptr<Decoder> webp_decoder(const std::string& bytes);

}  // namespace moca
