#pragma once

#include <cstdio>
// libjpeg's header needs stdio's types first.
#include <jpeglib.h>

#include <csetjmp>
#include <string>

#include "moca/image/image.h"

namespace moca {

// A JPEG through libjpeg-turbo with its default settings (accurate integer DCT, smooth upsampling
// of the colours): Pillow's bits. One use: read_header, read_image; each says whether it succeeded.
// Bytes behind the picture's end (a film, further pictures) are not looked at.
class JpegDecoder {
 public:
  explicit JpegDecoder(const std::string& bytes);  // which must outlive it
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  bool read_header();
  int width() const { return static_cast<int>(info_.image_width); }
  int height() const { return static_cast<int>(info_.image_height); }
  // Bytes that read_image allocates.
  size_t bytes_to_read();
  // Grey or RGB; CMYK becomes RGB. Data that is missing or corrupt is a mistake, not grey as in
  // libjpeg.
  bool read_image(Image& image);
  // The stored EXIF block; empty: there is none.
  const std::string& exif() const { return exif_; }
  const std::string& mistake() const { return mistake_; }

 private:
  static void fail(j_common_ptr info);
  static void note(j_common_ptr info, int level);
  static void stop_endless_scans(j_common_ptr info);
  bool read_markers();
  bool read_pixels(Image& image);

  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
  std::jmp_buf failed_{};
  const std::string& bytes_;
  std::string mistake_;
  std::string exif_;
};

}  // namespace moca
