#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/source_folder.h"

namespace moca::testing {

// The folder of reference fixtures and real data: MOCA_SHARED, or ../shared beside the checkout.
inline std::filesystem::path shared_folder() {
  if (const char* named = std::getenv("MOCA_SHARED")) {
    return named;
  }
  return source_folder() / ".." / "shared";
}

// Files of the same comparisons have two origins: "golden", committed, made by
// scripts/golden_fixtures.py; and "upstream", made by the public implementations.
inline std::filesystem::path fixture_folder(const std::string& origin) {
  return origin == "golden" ? source_folder() / "tests" / "golden" : shared_folder() / "fixtures";
}

// Parameters and names for tests that run on the files of both origins.
inline auto both_origins() { return ::testing::Values("golden", "upstream"); }
inline std::string name_of_origin(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

// Only the files of the public implementations may be missing; then the test skips.
inline bool may_skip(const std::filesystem::path& file, const std::string& origin) {
  return origin == "upstream" && !std::filesystem::exists(file);
}

}  // namespace moca::testing
