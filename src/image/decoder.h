#pragma once

#include <memory>
#include <string>

#include "moca/image/image.h"

namespace moca {

// Decodes the bytes of a file, which must outlive it. One use: read_header, then read_image; each
// says whether it succeeded. Bytes behind the image's end (a film, further images) are not looked
// at.
class Decoder {
 public:
  explicit Decoder(const std::string& bytes) : bytes_(bytes) {}
  virtual ~Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  virtual bool read_header() = 0;
  // Bytes that read_image allocates.
  virtual size_t bytes_to_read() = 0;
  virtual bool read_image(Image& image) = 0;
  // The stored EXIF block; empty: there is none.
  virtual std::string exif() = 0;

  int width() const { return width_; }
  int height() const { return height_; }
  const std::string& mistake() const { return mistake_; }

 protected:
  const std::string& bytes_;
  std::string mistake_;
  int width_ = 0;
  int height_ = 0;
};

// A JPEG through libjpeg-turbo with its default settings (accurate integer DCT, smooth upsampling
// of the colours): Pillow's bits. Grey or RGB; CMYK becomes RGB. Data that is missing or corrupt is
// a mistake, not grey as in libjpeg.
std::unique_ptr<Decoder> jpeg_decoder(const std::string& bytes);

// A WebP through libwebp: RGB, or RGBA where the file says that it has alpha.
std::unique_ptr<Decoder> webp_decoder(const std::string& bytes);

}  // namespace moca
