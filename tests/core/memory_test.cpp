#include "moca/core/memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace moca {
namespace {

TEST(Memory, GrowsByWhatIsTakenAndItsPeakStays) {
  const double before = memory_gib();
  EXPECT_GT(before, 0.0);
  {
    const std::vector<char> taken(256U << 20U, 1);
    EXPECT_NEAR(memory_gib() - before, 0.25, 0.02);
  }
  EXPECT_GE(peak_memory_gib(), before + 0.2);
}

}  // namespace
}  // namespace moca
