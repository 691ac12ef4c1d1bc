#pragma once

#include <array>
#include <string>

#include "moca/image/image.h"

namespace moca {

// Whether the alpha channel tells foreground from background: each of the first and the last of 20
// equal bins holds at least 1 % of the pixels (PartCrafter's prepare_image). False without alpha.
bool has_usable_alpha(const Image& image);

// What PartCrafter's prepare_image makes of RGBA, bit for bit: the box of alpha > 0, composited
// over `background` (RGB in [0, 1]), then padded to a square. The longer side gets padding_ratio of
// its length at each end; the padding has the background's first channel in all three, as there.
// Throws Error when the image is transparent everywhere.
Image crop_to_foreground(const Image& rgba, const std::array<double, 3>& background = {1, 1, 1},
                         double padding_ratio = 0.1);

// What is shown to a model of an image that a user gives: alpha over white. With `crop`, where the
// alpha tells foreground from background, cropped to it as PartCrafter's own pipeline does, which
// first limits the longer side to 2000 pixels; otherwise a log line says why not. Throws Error when
// the image is transparent everywhere. `name` is what messages call it.
Image image_to_show(const Image& image, bool crop, const std::string& name);

}  // namespace moca
