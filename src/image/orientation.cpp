#include "decoder.h"

#include <libexif/exif-data.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace moca {
namespace {

// 1, upright, where it names none.
int orientation_of(const std::string& exif) {
  constexpr std::string_view kHeading("Exif\0\0", 6);
  if (exif.empty()) {
    return 1;
  }
  const std::string block = exif.starts_with(kHeading) ? exif : std::string(kHeading) + exif;
  const std::unique_ptr<ExifData, void (*)(ExifData*)> data(
      exif_data_new_from_data(reinterpret_cast<const unsigned char*>(block.data()),
                              static_cast<unsigned>(block.size())),
      exif_data_unref);
  const ExifEntry* entry =
      data ? exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION) : nullptr;
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->components != 1) {
    return 1;
  }
  const int value = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return value >= 1 && value <= 8 ? value : 1;
}

}  // namespace

// EXIF: 2 to 4 are mirrored and turned by half, 5 to 8 have rows for columns.
template <class Value>
PixelGrid<Value> upright(PixelGrid<Value> image, const std::string& exif) {
  const int orientation = orientation_of(exif);
  if (orientation == 1) {
    return image;
  }
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 ||
                          orientation == 8;  // the stored x runs against
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 ||
                          orientation == 7;  // the stored y runs against
  PixelGrid<Value> result(transposed ? image.height : image.width,
                          transposed ? image.width : image.height, image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      int to_x = from_right ? image.width - 1 - x : x;
      int to_y = from_below ? image.height - 1 - y : y;
      if (transposed) {
        std::swap(to_x, to_y);
      }
      std::copy_n(image.at(x, y), image.channels, result.at(to_x, to_y));
    }
  }
  return result;
}

template Image upright(Image image, const std::string& exif);
template ComponentMap upright(ComponentMap map, const std::string& exif);

}  // namespace moca
