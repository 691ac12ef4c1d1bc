#include "moca/core/text.h"

#include <algorithm>
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

}  // namespace moca
