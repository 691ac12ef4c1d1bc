#pragma once

#include <cstdlib>
#include <filesystem>

namespace moca::testing {

// The checkout: where the tests were compiled, or MOCA_SOURCE where they were copied elsewhere.
inline std::filesystem::path source_folder() {
  const char* named = std::getenv("MOCA_SOURCE");
  return named == nullptr ? MOCA_SOURCE_DIR : named;
}

}  // namespace moca::testing
