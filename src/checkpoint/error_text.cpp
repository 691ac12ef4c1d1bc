#include "error_text.h"

namespace moca::checkpoint {

std::string in_quotes(const std::string& name) {
  constexpr size_t kLongest = 200;
  size_t length = name.size();
  if (length > kLongest) {
    length = kLongest;
    while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xC0) == 0x80) {
      --length;  // never within a character of UTF-8
    }
  }
  std::string text = "'";
  for (const char character : name.substr(0, length)) {
    const bool control = static_cast<unsigned char>(character) < 0x20 || character == 0x7F;
    text += control ? '?' : character;
  }
  return text + (length < name.size() ? "...'" : "'");
}

}  // namespace moca::checkpoint
