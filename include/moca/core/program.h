#pragma once

#include <string>

// Commands in messages, as they can be typed.
namespace moca {

// How the user calls the program, "build/moca"; until it is set, "moca".
void set_program(const std::string& path);

// "build/moca train CONFIG" of "train CONFIG".
std::string command(const std::string& arguments);

// `text` as one word of a shell's command, in quotes where it needs them.
std::string shell_word(const std::string& text);

}  // namespace moca
