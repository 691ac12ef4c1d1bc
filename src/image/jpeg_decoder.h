#pragma once

#include <cstdio>
// libjpeg's header needs stdio's types first.
#include <jpeglib.h>

#include <csetjmp>
#include <string>
#include <utility>

#include "moca/image/image.h"

namespace moca {

// A JPEG through libjpeg-turbo with its default settings (accurate integer DCT, smooth upsampling
// of the colours): Pillow's bits. One use: read_size, read_pixels, take_image; each says whether it
// succeeded.
class JpegDecoder {
 public:
  explicit JpegDecoder(const std::string& bytes);  // which must outlive it
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // 1 (grey), 3 (RGB after decoding) or 4 channels.
  int channels() const { return info_.num_components; }
  bool read_size();
  bool fits(int max_side);
  // Data that is missing or corrupt is a mistake, not grey as in libjpeg.
  bool read_pixels();
  Image take_image() { return std::move(image_); }
  const std::string& mistake() const { return mistake_; }

 private:
  static void fail(j_common_ptr info);
  static void note(j_common_ptr info, int level);

  jpeg_error_mgr errors_{};
  jpeg_decompress_struct info_{};
  std::jmp_buf failed_{};
  const std::string& bytes_;
  std::string mistake_;
  Image image_;
};

// Whether the bytes begin a JPEG of one or three channels.
bool is_rgb_or_grey_jpeg(const std::string& bytes);

}  // namespace moca
