#pragma once

#include <string>

namespace moca {

inline constexpr int kMaxImageSide = 16384;  // pixels

// By the first bytes, whatever the file is called: "PNG", "JPEG", "WebP", a format that is not read
// but known by name, or "" for anything else.
std::string format_of(const std::string& bytes);

}  // namespace moca
