#include "jpeg_decoder.h"

#include <jerror.h>

#include <array>
#include <utility>

namespace moca {

// libjpeg reports errors through functions that must not return: they jump back to the method that
// called it. Between its setjmp and the call such a method holds nothing that has a destructor.

JpegDecoder::JpegDecoder(const std::string& bytes) : bytes_(bytes) {
  info_.err = jpeg_std_error(&errors_);
  errors_.error_exit = fail;
  errors_.emit_message = note;
  info_.client_data = this;
  if (setjmp(failed_) == 0) {
    jpeg_create_decompress(&info_);
    info_.client_data = this;  // creating clears all but the error manager
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
  }
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&info_); }

void JpegDecoder::fail(j_common_ptr info) {
  auto* self = static_cast<JpegDecoder*>(info->client_data);
  if (self->mistake_.empty()) {
    std::array<char, JMSG_LENGTH_MAX> text{};
    info->err->format_message(info, text.data());
    self->mistake_ = text.data();
  }
  std::longjmp(self->failed_, 1);
}

// Warnings have level -1. Most do no harm (stray bytes between segments); those after which pixels
// are made up do.
void JpegDecoder::note(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 &&
      (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) {
    fail(info);
  }
}

bool JpegDecoder::read_size() {
  if (!mistake_.empty() || setjmp(failed_) != 0) {
    return false;
  }
  jpeg_read_header(&info_, TRUE);
  return true;
}

bool JpegDecoder::fits(int max_side) {
  const auto most = static_cast<JDIMENSION>(max_side);
  if (info_.image_width > most || info_.image_height > most) {
    mistake_ = "it is too large";
    return false;
  }
  image_ =
      Image(static_cast<int>(info_.image_width), static_cast<int>(info_.image_height), channels());
  return true;
}

bool JpegDecoder::read_pixels() {
  if (setjmp(failed_) != 0) {
    return false;
  }
  info_.out_color_space = channels() == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info_);
  while (info_.output_scanline < info_.output_height) {
    JSAMPROW row = image_.at(0, static_cast<int>(info_.output_scanline));
    jpeg_read_scanlines(&info_, &row, 1);
  }
  jpeg_finish_decompress(&info_);
  return true;
}

bool is_rgb_or_grey_jpeg(const std::string& bytes) {
  if (!bytes.starts_with("\xFF\xD8")) {
    return false;
  }
  JpegDecoder decoder(bytes);
  return decoder.read_size() && (decoder.channels() == 1 || decoder.channels() == 3);
}

}  // namespace moca
