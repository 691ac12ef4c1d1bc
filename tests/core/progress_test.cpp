#include "moca/core/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "moca/core/file_io.h"

namespace moca {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

// What `work` prints to standard error while that is no terminal.
template <class Work>
std::string printed_by(Work work) {
  ::testing::internal::CaptureStderr();
  work();
  return ::testing::internal::GetCapturedStderr();
}

// What `work` prints to standard error while that is a terminal; a few lines at most. Empty where
// the machine has no pseudo-terminals.
template <class Work>
std::string printed_on_terminal_by(Work work) {
  const FileDescriptor controller(posix_openpt(O_RDWR | O_NOCTTY));
  if (controller.get() < 0 || grantpt(controller.get()) != 0 || unlockpt(controller.get()) != 0) {
    return "";
  }
  std::fflush(stderr);
  const FileDescriptor saved(dup(STDERR_FILENO));
  {
    const FileDescriptor terminal(open(ptsname(controller.get()), O_RDWR | O_NOCTTY));
    dup2(terminal.get(), STDERR_FILENO);
  }
  work();
  std::fflush(stderr);
  std::string text;
  std::array<char, 4096> buffer{};
  pollfd waiting{controller.get(), POLLIN, 0};
  while (poll(&waiting, 1, 50) > 0 && (waiting.revents & POLLIN) != 0) {
    const ssize_t count = read(controller.get(), buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
  dup2(saved.get(), STDERR_FILENO);
  return text;
}

void wait_for_redraw() { std::this_thread::sleep_for(std::chrono::milliseconds(220)); }

TEST(FormatDuration, UsesTwoUnitsAtMost) {
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(12.4), "12 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(200), "3 min 20 s");
  EXPECT_EQ(format_duration(3600), "1 h 00 min");
  EXPECT_EQ(format_duration(3845), "1 h 04 min");
  EXPECT_EQ(format_duration(360000), "100 h 00 min");
}

TEST(FormatDuration, TakesANegativeTimeForNone) { EXPECT_EQ(format_duration(-3), "0 s"); }

TEST(Progress, EndsWithOnePlainLineInALog) {
  const std::string text = printed_by([] {
    Progress progress("training", 4, "step");
    for (int64_t step = 1; step <= 4; ++step) {
      progress.update(step, "loss 0.5");
    }
  });
  EXPECT_THAT(text, HasSubstr("training 4/4 | took 0 s | loss 0.5\n"))
      << "the rate of an instant says nothing";
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST(Progress, SaysNoRateOfAnInstant) {
  const std::string text = printed_by([] { Progress("prepare", 5, "asset").update(5); });
  EXPECT_THAT(text, HasSubstr("prepare 5/5 | took 0 s\n"));
}

TEST(Progress, SaysHowFarItCameWhereWorkStopsEarly) {
  const std::string text = printed_by([] { Progress("assets", 10, "asset").update(3); });
  EXPECT_THAT(text, HasSubstr("assets 3/10 | "));
}

TEST(Progress, SaysNothingWhereNothingWasDone) {
  EXPECT_THAT(printed_by([] { Progress progress("idle", 10, "step"); }), IsEmpty());
  EXPECT_THAT(printed_by([] { Progress("resumed", 10, "step", 10).update(10); }), IsEmpty());
}

TEST(Progress, AResumedRunCountsFromWhereItWas) {
  const std::string text = printed_by([] { Progress("training", 10, "step", 8).update(9); });
  EXPECT_THAT(text, HasSubstr("training 9/10"));
}

TEST(Progress, GivesTheRateOfThisRunAloneInTheFittingUnit) {
  const auto rate_of = [](int64_t total, int64_t done) {
    const std::string text = printed_by([&] {
      Progress progress("training", total, "step", done);
      wait_for_redraw();
      progress.update(done + 1);
    });
    return text.substr(text.find(" | "));
  };
  // One step in a bit over 0.2 s, whatever was done before; slower on a busy machine.
  const char* expected = " . [0-4]\\.[0-9] (steps/s|s/step) . took [0-9]+ s\n";
  EXPECT_THAT(rate_of(10, 0), MatchesRegex(expected));
  EXPECT_THAT(rate_of(100000, 90000), MatchesRegex(expected));
}

TEST(Progress, CountsDownToTheTimeLimitWhereThatEndsTheWork) {
  const std::string text = printed_on_terminal_by([] {
    Progress progress("training", 1000000, "step");
    progress.end_after(80);
    wait_for_redraw();
    progress.update(1);
  });
  if (text.empty()) {
    GTEST_SKIP() << "no pseudo-terminal";
  }
  EXPECT_THAT(text, HasSubstr("1 min 20 s left of the time limit"));
}

TEST(Progress, RedrawsOneLineWithTheRemainingTimeOnATerminal) {
  const std::string text = printed_on_terminal_by([] {
    Progress progress("training", 3, "step");
    wait_for_redraw();
    progress.update(1, "loss 0.5");
    progress.update(3, "loss 0.3");
  });
  if (text.empty()) {
    GTEST_SKIP() << "no pseudo-terminal";
  }
  EXPECT_THAT(text, ::testing::Not(HasSubstr("time limit")));
  EXPECT_THAT(text, HasSubstr("\r\033[Ktraining 1/3 | "));
  EXPECT_THAT(text, HasSubstr(" left | loss 0.5"));
  EXPECT_THAT(text, HasSubstr("took "));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << "lines pile up: " << text;
}

}  // namespace
}  // namespace moca
