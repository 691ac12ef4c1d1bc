#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace moca {

// What std::printf would write.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

// The elements' texts with `separator` between them.
template <class Range, class TextOf = std::identity>
std::string joined(const Range& elements, std::string_view separator, TextOf text_of = {}) {
  std::string text;
  for (const auto& element : elements) {
    text += text.empty() ? std::string_view() : separator;
    text += text_of(element);
  }
  return text;
}

}  // namespace moca
