#include "moca/core/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/refusal.h"

namespace moca {
namespace {

using ::testing::HasSubstr;
using testing::refusal;

TEST(Threads, AsManyAsTheMachineRunsAreAccepted) {
  for (const int64_t count :
       {int64_t{0}, int64_t{1}, int64_t{std::thread::hardware_concurrency()}}) {
    EXPECT_EQ(refusal([&] { require_threads("training.num_threads", count); }), "accepted");
  }
}

TEST(Threads, ManyMoreAreRefusedByName) {
  EXPECT_THAT(refusal([] { require_threads("training.num_threads", 100000); }),
              HasSubstr("training.num_threads (100000) must be at most "));
}

}  // namespace
}  // namespace moca
