#include <cstdio>
// libjpeg's headers need stdio's types first.
#include <jerror.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <utility>

#include "decoder.h"

namespace moca {
namespace {

// What Pillow makes of a JPEG of four channels, bit for bit: it takes all to be stored inverted, as
// Adobe's are.
Image rgb_of_inverted_cmyk(const Image& cmyk) {
  Image rgb(cmyk.width, cmyk.height, 3);
  const size_t count = static_cast<size_t>(cmyk.width) * cmyk.height;
  for (size_t i = 0; i < count; ++i) {
    const int light = cmyk.pixels[4 * i + 3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk.pixels[4 * i + c]) * light + 128;
      rgb.pixels[3 * i + c] = static_cast<uint8_t>(light - ((product >> 8) + product) / 256);
    }
  }
  return rgb;
}

// libjpeg reports errors through functions that must not return: they jump back to `guarded`. What
// it calls holds nothing that has a destructor while it calls libjpeg.
class JpegDecoder {
 public:
  JpegDecoder() = default;
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  Image decode(const std::string& bytes) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = fail;
    errors_.emit_message = note;
    info_.client_data = this;
    guarded([&] {
      jpeg_create_decompress(&info_);
      info_.client_data = this;  // creating clears all but the error manager
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);  // EXIF
      jpeg_read_header(&info_, TRUE);
    });
    std::string exif;
    for (const auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::string data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (exif.empty() && data.starts_with("Exif")) {
        exif = data;
      }
    }
    const auto width = static_cast<int>(info_.image_width);
    const auto height = static_cast<int>(info_.image_height);
    // Several scans: all coefficients are kept, two bytes each, besides the image.
    const int bytes_a_value = jpeg_has_multiple_scans(&info_) ? 1 + 2 : 1;
    require_decodable(width, height,
                      static_cast<size_t>(width) * height * info_.num_components * bytes_a_value);
    if (info_.num_components == 2 || info_.num_components > 4) {
      throw Mistake("a JPEG of " + std::to_string(info_.num_components) + " channels");
    }
    Image image(width, height, info_.num_components);
    guarded([&] {
      progress_.progress_monitor = stop_endless_scans;
      info_.progress = &progress_;
      info_.out_color_space = image.channels == 1   ? JCS_GRAYSCALE
                              : image.channels == 3 ? JCS_RGB
                                                    : JCS_CMYK;
      jpeg_start_decompress(&info_);
      while (info_.output_scanline < info_.output_height) {
        JSAMPROW row = image.at(0, static_cast<int>(info_.output_scanline));
        jpeg_read_scanlines(&info_, &row, 1);
      }
      jpeg_finish_decompress(&info_);
    });
    return upright(image.channels == 4 ? rgb_of_inverted_cmyk(image) : std::move(image), exif);
  }

 private:
  template <class Work>
  void guarded(const Work& work) {
    if (setjmp(failed_) != 0) {
      throw Mistake(mistake_);
    }
    work();
  }

  static void fail(j_common_ptr info) {
    auto* self = static_cast<JpegDecoder*>(info->client_data);
    std::array<char, JMSG_LENGTH_MAX> text{};
    info->err->format_message(info, text.data());
    self->mistake_ = text.data();
    std::longjmp(self->failed_, 1);
  }

  // Warnings have level -1. Most do no harm (stray bytes between segments); those after which
  // pixels are made up do.
  static void note(j_common_ptr info, int level) {
    const int code = info->err->msg_code;
    if (level < 0 &&
        (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE)) {
      fail(info);
    }
  }

  // A progressive JPEG can name thousands of scans of the whole image in a few bytes each.
  static void stop_endless_scans(j_common_ptr info) {
    constexpr int kMostScans = 500;
    auto* self = static_cast<JpegDecoder*>(info->client_data);
    if (self->info_.input_scan_number > kMostScans) {
      self->mistake_ = "the JPEG has more than 500 scans";
      std::longjmp(self->failed_, 1);
    }
  }

  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
  std::jmp_buf failed_{};
  std::string mistake_;
};

}  // namespace

Image decode_jpeg(const std::string& bytes) { return JpegDecoder().decode(bytes); }

}  // namespace moca
