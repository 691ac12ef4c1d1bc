#include "moca/core/progress.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <limits>

namespace moca {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What `work` prints to standard error while that is no terminal.
template <class Work>
std::string printed_by(Work work) {
  ::testing::internal::CaptureStderr();
  work();
  return ::testing::internal::GetCapturedStderr();
}

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
  EXPECT_THAT(text, HasSubstr("training 4/4 | "));
  EXPECT_THAT(text, HasSubstr("| took 0 s | loss 0.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST(Progress, SaysHowFarItCameWhereWorkStopsEarly) {
  const std::string text = printed_by([] { Progress("assets", 10, "asset").update(3); });
  EXPECT_THAT(text, HasSubstr("assets 3/10 | "));
  EXPECT_THAT(text, HasSubstr("asset"));
}

TEST(Progress, SaysNothingWhereNothingWasDone) {
  EXPECT_THAT(printed_by([] { Progress progress("idle", 10, "step"); }), IsEmpty());
  EXPECT_THAT(printed_by([] { Progress("resumed", 10, "step", 10).update(10); }), IsEmpty());
}

TEST(Progress, AResumedRunCountsFromWhereItWas) {
  const std::string text = printed_by([] { Progress("training", 10, "step", 8).update(9); });
  EXPECT_THAT(text, HasSubstr("training 9/10"));
}

}  // namespace
}  // namespace moca
