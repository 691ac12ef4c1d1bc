#include "moca/core/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace moca {
namespace {

// Signals change the whole process, so each test sends them in one of its own.

TEST(InterruptDeathTest, OneSignalOnlyAsksToStop) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const auto work = [signal] {
      catch_interrupts();
      const bool before = interrupted();
      std::raise(signal);
      std::_Exit(!before && interrupted() && interrupting_signal() == signal ? 0 : 1);
    };
    EXPECT_EXIT(work(), ::testing::ExitedWithCode(0), "") << signal;
  }
}

TEST(InterruptDeathTest, WorkWithNothingToSaveIsLeftByAnException) {
  const auto work = [] {
    catch_interrupts();
    stop_if_interrupted();
    std::raise(SIGTERM);
    try {
      stop_if_interrupted();
    } catch (const Interrupted&) {
      std::_Exit(0);
    }
    std::_Exit(1);
  };
  EXPECT_EXIT(work(), ::testing::ExitedWithCode(0), "");
}

TEST(InterruptDeathTest, ASecondOneEndsTheProgramAsAShellReportsIt) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const auto work = [signal] {
      catch_interrupts();
      std::raise(SIGINT);
      std::raise(signal);
      std::_Exit(0);
    };
    EXPECT_EXIT(work(), ::testing::ExitedWithCode(128 + signal), "") << signal;
  }
}

TEST(InterruptDeathTest, UncaughtOnesEndTheProgramAsUsual) {
  EXPECT_EXIT(std::raise(SIGTERM), ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace moca
