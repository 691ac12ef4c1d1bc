#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace moca::log {

// Lines go to the terminal (standard error), and to every File that there is.
// Text only: spdlog stays inside logging.cpp, because torch's headers shadow the fmt it needs.
void info(const std::string& message);
void warn(const std::string& message);

// From here on only warnings are said, marked with the number of the process: of several that do
// the same work the first speaks for all.
void speak_as_rank(int rank);

// Appends every line to `file`, whose folder must exist, as long as it lives.
class File {
 public:
  explicit File(const std::filesystem::path& file);

 private:
  std::shared_ptr<void> registration_;  // ends with the last copy
};

// Writes out what is still buffered.
void flush();

}  // namespace moca::log
