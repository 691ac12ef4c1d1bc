#include "error_text.h"

#include <algorithm>

namespace moca::checkpoint {

std::string in_quotes(const std::string& name) {
  size_t length = std::min<size_t>(name.size(), 200);
  const auto within_character = [&] {
    return (static_cast<unsigned char>(name[length]) & 0xC0) == 0x80;
  };
  while (length > 0 && length < name.size() && within_character()) {
    --length;  // never within a character of UTF-8
  }
  auto text = name.substr(0, length);
  const auto is_control = [](unsigned char character) {
    return character < 0x20 || character == 0x7F;
  };
  std::ranges::replace_if(text, is_control, '?');
  return "'" + text + (length < name.size() ? "...'" : "'");
}

}  // namespace moca::checkpoint
