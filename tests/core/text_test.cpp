#include "moca/core/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace moca {
namespace {

TEST(Formatted, WritesAsPrintfDoesAndCutsWhatIsTooLong) {
  EXPECT_EQ(formatted("%05d %.2f %s", 7, 0.125, "x"), "00007 0.12 x");
  EXPECT_EQ(formatted("%2000d", 1), std::string(1023, ' '));
}

TEST(Joined, PutsTheSeparatorBetweenTwo) {
  EXPECT_EQ(joined(std::vector<std::string>(), ", "), "");
  EXPECT_EQ(joined(std::vector<std::string>{"a"}, ", "), "a");
  EXPECT_EQ(joined(std::vector<int>{1, 2, 3}, "; ", [](int n) { return std::to_string(n); }),
            "1; 2; 3");
}

}  // namespace
}  // namespace moca
