#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moca::mesh {

// Takes the lines of a text one by one: ends of lines of any system, joined after a backslash, a
// byte order mark skipped.
class LineScanner {
 public:
  explicit LineScanner(std::string_view text)
      : rest_(text.substr(text.starts_with("\xEF\xBB\xBF") ? 3 : 0)) {}

  // The next line without its end, valid until the next call; none after the last.
  std::optional<std::string_view> next();
  size_t number() const { return number_; }  // of the last line taken, from 1

 private:
  std::string_view next_piece();

  std::string_view rest_;
  std::string joined_;
  size_t number_ = 0;
};

// Takes the next word of a line, separated by blanks; empty at its end.
std::string_view next_word(std::string_view& line);

// The line without blanks at its ends.
std::string_view trimmed(std::string_view line);

// The number that a whole word is, as written in C, also with a plus sign; none if it is not one.
std::optional<double> number_of(std::string_view word);
std::optional<int64_t> whole_number_of(std::string_view word);

}  // namespace moca::mesh
