#pragma once

#include <string>

namespace moca {

// "640 x 480", for messages.
inline std::string size_text(int width, int height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

inline constexpr int kMaxImageSide = 16384;  // pixels

// By the first bytes, whatever the file is called: "PNG", "JPEG", "WebP", a format that is not read
// but known by name, or "" for anything else.
std::string format_of(const std::string& bytes);

}  // namespace moca
