#include "moca/core/text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string_view>
#include <vector>

namespace moca {
namespace {

namespace fs = std::filesystem;

TEST(Formatted, WritesAsPrintfDoesWhateverTheLength) {
  EXPECT_EQ(formatted("%s %04d %.2f", "step", 7, 0.125), "step 0007 0.12");
  EXPECT_EQ(formatted("%s.", std::string(5000, 'a').c_str()), std::string(5000, 'a') + ".");
  EXPECT_EQ(formatted("%s", ""), "");
}

TEST(LowerCase, ChangesLettersOfAsciiAlone) {
  EXPECT_EQ(lower_case("File.GLB 7"), "file.glb 7");
  EXPECT_EQ(lower_case("\xC3\x84"), "\xC3\x84");  // an umlaut in UTF-8
}

TEST(FirstLine, EndsBeforeTheLineBreak) {
  EXPECT_EQ(first_line("out of luck\nat 0x1"), "out of luck");
  EXPECT_EQ(first_line("out of luck"), "out of luck");
}

TEST(Concatenated, WritesPathsBareAndNumbersAsToStringDoes) {
  EXPECT_EQ(concatenated("step ", 7, " of ", int64_t{1} << 40, " in ", fs::path("a b"), "."),
            "step 7 of 1099511627776 in a b.");
  EXPECT_EQ(concatenated(0.5, std::string_view(" s")), "0.500000 s");
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
