#include "moca/core/watchdog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace moca {
namespace {

using std::chrono::milliseconds;

TEST(Watchdog, ReportsThePhaseThatDoesNotEnd) {
  std::string reported;
  std::atomic<double> seconds = 0;
  {
    Watchdog dog(milliseconds(50), [&](const std::string& phase, double taken) {
      reported = phase;
      seconds = taken;
    });
    dog.enter("forward of step 3");
    for (int i = 0; i < 100 && seconds == 0; ++i) {
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  EXPECT_EQ(reported, "forward of step 3");
  EXPECT_GE(seconds, 0.05);
  EXPECT_LT(seconds, 1.0);
}

TEST(Watchdog, IsQuietAsLongAsPhasesFollowOneAnother) {
  bool barked = false;
  {
    Watchdog dog(milliseconds(400), [&](const std::string&, double) { barked = true; });
    for (int i = 0; i < 60; ++i) {
      dog.enter("step " + std::to_string(i));
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
  EXPECT_FALSE(barked) << "phases take 10 ms, all together longer than the limit";
}

TEST(Watchdog, WithoutALimitNeverBarks) {
  Watchdog dog(milliseconds(0), [](const std::string&, double) { FAIL(); });
  dog.enter("anything");
  std::this_thread::sleep_for(milliseconds(30));
}

}  // namespace
}  // namespace moca
