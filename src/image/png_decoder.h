#pragma once

#include "decoder.h"

struct spng_ctx;

namespace moca {

// A PNG through libspng.
class PngDecoder : public Decoder {
 public:
  explicit PngDecoder(const std::string& bytes);
  ~PngDecoder() override;

  bool read_header() override;
  size_t bytes_to_read() override;
  // Eight bits a channel, palettes looked up, the upper eight of sixteen bits as Pillow has them. 1
  // channel (grey), 3 (RGB) or 4 (anything with alpha, a colour key or transparent palette
  // entries).
  bool read_image(Image& image) override;
  // Grey values or palette entries as stored, neither looked up nor scaled; other kinds of PNG are
  // a mistake.
  bool read_numbers(ComponentMap& map);
  std::string exif() override;

 private:
  bool succeeded(int code);
  bool is_cut_off() const;

  spng_ctx* context_;
  int channels_ = 0;
  int bits_per_pixel_ = 0;
  int color_type_ = 0;
  bool is_deep_grey_ = false;  // 16 bits, which libspng turns into RGB only
};

}  // namespace moca
