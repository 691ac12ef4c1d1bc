#include "image_format.h"

#include <array>
#include <string_view>

namespace moca {

std::string format_of(const std::string& bytes) {
  struct Beginning {
    size_t offset;
    std::string_view bytes;
    const char* format;
  };
  static constexpr std::array kBeginnings = {
      Beginning{0, "\x89PNG\r\n\x1a\n", "PNG"},
      Beginning{0, "\xFF\xD8", "JPEG"},
      Beginning{8, "WEBPVP8", "WebP"},
      Beginning{0, "GIF8", "GIF"},
      Beginning{0, "BM", "BMP"},
      Beginning{0, "II*", "TIFF"},
      Beginning{0, "MM", "TIFF"},
      Beginning{4, "ftypavi", "AVIF"},
      Beginning{4, "ftyphei", "HEIC"},
      Beginning{4, "ftypmif", "HEIC"},
      Beginning{1, "KTX 2", "KTX2"},
  };
  for (const auto& beginning : kBeginnings) {
    if (bytes.size() > beginning.offset &&
        bytes.compare(beginning.offset, beginning.bytes.size(), beginning.bytes) == 0) {
      return beginning.format;
    }
  }
  return "";
}

}  // namespace moca
