#pragma once

#include <cstdlib>
#include <filesystem>

namespace moca::testing {

// The folder of reference fixtures and real data: MOCA_SHARED, or ../shared beside the checkout.
inline std::filesystem::path shared_folder() {
  if (const char* named = std::getenv("MOCA_SHARED")) {
    return named;
  }
  return std::filesystem::path(MOCA_SOURCE_DIR) / ".." / "shared";
}

}  // namespace moca::testing
