#pragma once

#include <string>

#include "moca/image/image.h"

namespace moca {

// The image as it is to be looked at: by the orientation 1 to 8 that an EXIF block names, with or
// without its heading. As it is where it names none.
template <class Value>
PixelGrid<Value> upright(PixelGrid<Value> image, const std::string& exif);

}  // namespace moca
