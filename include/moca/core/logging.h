#pragma once

#include <filesystem>
#include <string>

namespace moca::log {

// Lines go to the terminal (standard error) and, once `write_to` was called, to that file too.
// Text only: spdlog stays inside logging.cpp, because torch's headers shadow the fmt it needs.
void info(const std::string& message);
void warn(const std::string& message);

// From here on only warnings are said, marked with the number of the process: of several that do
// the same work the first speaks for all.
void speak_as_rank(int rank);

// Appends every later line to `file`, whose folder must exist.
void write_to(const std::filesystem::path& file);

// Writes out what is still buffered.
void flush();

}  // namespace moca::log
