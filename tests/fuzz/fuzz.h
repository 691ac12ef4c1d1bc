#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "moca/core/error.h"

namespace moca::testing {

inline std::string text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A file of this process alone, in a folder of its own; readers take paths.
inline std::filesystem::path scratch_file(const std::string& name) {
  static const std::filesystem::path folder = [] {
    auto made = (std::filesystem::temp_directory_path() / "moca_fuzz_XXXXXX").string();
    return std::filesystem::path(mkdtemp(made.data()));
  }();
  return folder / name;
}

inline void write(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Runs a reader. A refusal is an Error, which is fine; whatever else it throws ends the program,
// which libFuzzer counts as a crash.
template <class Reader>
int read(Reader&& reader) {
  try {
    reader();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace moca::testing
