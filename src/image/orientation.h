#pragma once

#include <string>

#include "moca/image/image.h"

namespace moca {

// The orientation 1 to 8 that an EXIF block names, with or without its heading; 1, upright, where
// it names none.
int orientation_of(const std::string& exif);

// The image as it is to be looked at.
Image upright(Image image, int orientation);
ComponentMap upright(ComponentMap map, int orientation);

}  // namespace moca
