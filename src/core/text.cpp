#include "moca/core/text.h"

#include <cstdarg>
#include <cstdio>

namespace moca {

std::string formatted(const char* format, ...) {
  char text[1024];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof(text), format, values);
  va_end(values);
  return text;
}

}  // namespace moca
