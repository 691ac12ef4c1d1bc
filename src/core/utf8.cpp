#include "moca/core/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace moca {
namespace {

bool is_continuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

// Bytes of the valid character at the beginning, 0 where there is none (RFC 3629, section 4).
size_t character_at(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) {
    return 1;
  }
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) {
    return 0;
  }
  const auto rest = text.substr(1, length - 1);
  const auto second = static_cast<uint8_t>(text[1]);
  const bool is_valid = std::ranges::all_of(rest, is_continuation) &&
                        (first != 0xE0 || second >= 0xA0) &&  // no overlong forms,
                        (first != 0xED || second < 0xA0) &&   // no surrogates,
                        (first != 0xF0 || second >= 0x90) &&  // nothing above U+10FFFF
                        (first != 0xF4 || second < 0x90);
  return is_valid ? length : 0;
}

}  // namespace

std::string to_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = character_at(text);
    if (length > 0) {
      result += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      const auto byte = static_cast<uint8_t>(text[0]);
      result += static_cast<char>(0xC0 | byte >> 6);
      result += static_cast<char>(0x80 | (byte & 0x3F));
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace moca
