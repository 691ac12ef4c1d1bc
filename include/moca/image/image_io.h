#pragma once

#include <filesystem>
#include <string>

#include "moca/image/image.h"

namespace moca {

// Reads a PNG, JPEG or WebP, known by its bytes, as Pillow does and upright where EXIF says how it
// was held: 1 channel (grey), 3 (RGB, also of palettes and CMYK) or 4 (RGBA, also of a colour key).
// Of 16 bits the upper 8 are kept. Bytes behind the image's end are ignored. Throws Error when
// the file is missing, broken, cut off or larger than 16384 pixels a side or 1 GB.
Image read_image(const std::filesystem::path& file);

// The same from the bytes of a file; `name` is what messages call it.
Image decode_image(const std::string& bytes, const std::string& name);

// Writes a PNG (1, 3 or 4 channels).
void write_png(const std::filesystem::path& file, const Image& image);

// The bytes of the PNG file that write_png writes, for pages that embed their images.
std::string encode_png(const Image& image);

// RGB over a plain background: RGBA is composited (not dropped), grey is repeated, RGB is returned
// as is.
Image to_rgb(const Image& image, uint8_t background = 255);

// Pads the shorter side with `value` so that the image becomes a centred square.
Image pad_to_square(const Image& image, uint8_t value = 255);
ComponentMap pad_to_square(const ComponentMap& map);  // with background

}  // namespace moca
