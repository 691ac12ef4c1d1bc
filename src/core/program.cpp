#include "moca/core/program.h"

#include <algorithm>
#include <cctype>

namespace moca {
namespace {

std::string& program() {
  static std::string path = "moca";
  return path;
}

}  // namespace

void set_program(const std::string& path) { program() = path; }

std::string command(const std::string& arguments) {
  return shell_word(program()) + " " + arguments;
}

std::string shell_word(const std::string& text) {
  const std::string harmless = "_-./=+,:@%";
  const bool plain = !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return std::isalnum(c) != 0 || harmless.find(static_cast<char>(c)) != std::string::npos;
  });
  if (plain) {
    return text;
  }
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return word + "'";
}

}  // namespace moca
