#include "moca/core/program.h"

#include <gtest/gtest.h>

namespace moca {
namespace {

TEST(Program, StandsInCommandsAsTheUserCallsIt) {
  EXPECT_EQ(command("train CONFIG"), "moca train CONFIG");
  set_program("../my project/build/moca");
  EXPECT_EQ(command("train CONFIG"), "'../my project/build/moca' train CONFIG");
  set_program("moca");
}

TEST(Program, AWordForTheShellIsQuotedWhereItMustBe) {
  EXPECT_EQ(shell_word("data.path=datasets/tiny"), "data.path=datasets/tiny");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("data.views.azimuths=[0, 90]"), "'data.views.azimuths=[0, 90]'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace moca
