#pragma once

#include <string>

#include "moca/image/image.h"

namespace moca {

// A WebP picture through libwebp. One use: read_header, then the others; each says whether it
// succeeded.
class WebpDecoder {
 public:
  explicit WebpDecoder(const std::string& bytes) : bytes_(bytes) {}  // which must outlive it

  bool read_header();
  int width() const { return width_; }
  int height() const { return height_; }
  // Bytes that read_image allocates.
  size_t bytes_to_read() const;
  // RGB, or RGBA where the file says that it has alpha.
  bool read_image(Image& image);
  // The stored EXIF block; empty: there is none.
  std::string exif() const;
  const std::string& mistake() const { return mistake_; }

 private:
  const std::string& bytes_;
  std::string mistake_;
  int width_ = 0;
  int height_ = 0;
  bool has_alpha_ = false;
};

}  // namespace moca
