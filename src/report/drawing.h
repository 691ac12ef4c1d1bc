#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "moca/image/image.h"

namespace moca::report {

using Color = std::array<uint8_t, 3>;  // RGB

// Height of a line of text in pixels at scale 1.
inline constexpr int kLineHeight = 11;

// Width in pixels of one line of text. Letters outside ASCII are drawn as '?'.
int text_width(std::string_view text, int scale = 1);

// Draws one line with its upper left corner at (x, y) into an RGB image; what does not fit is cut
// off.
void draw_text(Image& image, int x, int y, std::string_view text, const Color& color,
               int scale = 1);

// The text, or its beginning and "..", so that it is at most `width` pixels wide.
std::string shorten(std::string_view text, int width, int scale = 1);

// Fills the part of the rectangle that lies inside the RGB image.
void fill_rectangle(Image& image, int x, int y, int width, int height, const Color& color);

// Copies an image of 1, 3 or 4 channels (over white) to (x, y) of an RGB image; the rest is cut
// off.
void paste(Image& target, const Image& source, int x, int y);

// Repeats every pixel `factor` times along both axes.
Image enlarge(const Image& image, int factor);

// The whole image in a square of `size` on white: small ones enlarged by a whole factor, so that
// their pixels stay visible, large ones averaged down.
Image fit_to_square(const Image& image, int size);

}  // namespace moca::report
