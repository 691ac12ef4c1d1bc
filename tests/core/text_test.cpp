#include "moca/core/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace moca {
namespace {

TEST(Formatted, WritesAsPrintfDoesWhateverTheLength) {
  EXPECT_EQ(formatted("%s %04d %.2f", "step", 7, 0.125), "step 0007 0.12");
  EXPECT_EQ(formatted("%s.", std::string(5000, 'a').c_str()), std::string(5000, 'a') + ".");
  EXPECT_EQ(formatted("%s", ""), "");
}

TEST(Joined, PutsTheSeparatorBetweenTwo) {
  EXPECT_EQ(joined(std::vector<std::string>(), ", "), "");
  EXPECT_EQ(joined(std::vector<std::string>{"a"}, ", "), "a");
  EXPECT_EQ(joined(std::vector<std::string>{"", "a", ""}, ", "), ", a, ");
  EXPECT_EQ(joined(std::vector<int>{1, 2, 3}, "; ", [](int n) { return std::to_string(n); }),
            "1; 2; 3");
}

}  // namespace
}  // namespace moca
