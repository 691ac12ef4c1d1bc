#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace moca {

// What std::printf would write.
[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...);

// ASCII letters in lower case.
std::string lower_case(std::string_view text);

// Messages of c10d and of LibTorch's allocator go on with a stack.
inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Texts, paths and numbers (as std::to_string writes them) one after another.
template <class... Parts>
std::string concatenated(const Parts&... parts) {
  const auto text_of = []<class Part>(const Part& part) {
    if constexpr (std::is_arithmetic_v<Part> && sizeof(Part) > 1) {  // no character, no truth value
      return std::to_string(part);
    } else if constexpr (requires { part.string(); }) {
      return part.string();
    } else {
      return std::string(part);
    }
  };
  return (std::string() + ... + text_of(parts));
}

// The elements' texts with `separator` between them.
template <class Range, class TextOf = std::identity>
std::string joined(const Range& elements, std::string_view separator, TextOf text_of = {}) {
  std::string text;
  bool is_first = true;
  for (const auto& element : elements) {
    text += std::exchange(is_first, false) ? std::string_view() : separator;
    text += text_of(element);
  }
  return text;
}

}  // namespace moca
