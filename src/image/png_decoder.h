#pragma once

#include <string>

#include "moca/image/image.h"

struct spng_ctx;

namespace moca {

// A PNG through libspng. One use: read_header, then one of the others; each says whether it
// succeeded. Bytes behind the picture's end are not looked at.
class PngDecoder {
 public:
  explicit PngDecoder(const std::string& bytes);  // which must outlive it
  ~PngDecoder();
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  bool read_header();
  int width() const { return width_; }
  int height() const { return height_; }
  // 1 (grey), 3 (RGB) or 4 (anything with alpha, a colour key or transparent palette entries).
  int channels() const { return channels_; }
  // Bytes that read_image allocates.
  size_t bytes_to_read() const;
  // Eight bits a channel, palettes looked up, the upper eight of sixteen bits as Pillow has them.
  bool read_image(Image& image);
  // Grey values or palette entries as stored, neither looked up nor scaled; other kinds of PNG are
  // a mistake.
  bool read_numbers(ComponentMap& map);
  // The stored EXIF block; empty: there is none.
  std::string exif();
  const std::string& mistake() const { return mistake_; }

 private:
  bool succeeded(int code);
  bool is_cut_off() const;

  spng_ctx* context_;
  const std::string& bytes_;
  std::string mistake_;
  int width_ = 0;
  int height_ = 0;
  int channels_ = 0;
  int bits_per_pixel_ = 0;
  int color_type_ = 0;
  bool is_deep_grey_ = false;  // 16 bits, which libspng turns into RGB only
};

}  // namespace moca
