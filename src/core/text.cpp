#include "moca/core/text.h"

#include <algorithm>
#include <cctype>
#include <cstdarg>
#include <cstdio>

namespace moca {

std::string formatted(const char* format, ...) {
  std::va_list values, measured;
  va_start(values, format);
  va_copy(measured, values);
  std::string text(std::max(std::vsnprintf(nullptr, 0, format, measured), 0), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, values);
  va_end(measured);
  va_end(values);
  return text;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(text, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

}  // namespace moca
