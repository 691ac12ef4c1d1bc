// Processes of which one ends before its work is done.
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "moca/core/error.h"
#include "moca/core/interrupt.h"
#include "moca/distributed/process_group.h"
#include "tests/support/ranks.h"

namespace moca::distributed {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Work = std::function<void(ProcessGroup&)>;

// The work of two ranks that ends within ten seconds.
std::vector<testing::RankResult> two_ranks(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const auto results = testing::run_ranks(2, [&](ProcessGroup& group) -> std::string {
    end_together(group, [&] { work(group); });
    return "done";
  });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  return results;
}

// Rank `failing` throws, the other waits for it in an operation.
Work throwing(int failing, const std::function<void()>& failure) {
  return [failing, failure](ProcessGroup& group) {
    if (group.rank() == failing) {
      failure();
    }
    group.sum({1.0}, "loss");
  };
}

void fail_in_libtorch() { TORCH_CHECK(false, "shapes do not fit\nmore lines"); }

TEST(EndTogether, IsSilentWhereNothingFails) {
  for (const auto& result : two_ranks([](ProcessGroup& group) { group.sum({1.0}, "loss"); })) {
    EXPECT_EQ(result.text, "done");
    EXPECT_EQ(result.said, "");
  }
}

TEST(EndTogether, OfAFailedOperationSaysTheCauseOnceAndTheOtherWhoseItWas) {
  for (const int failing : {0, 1}) {
    const auto results = two_ranks(throwing(failing, fail_in_libtorch));
    const auto name = "rank " + std::to_string(failing);
    const auto& failed = results[static_cast<size_t>(failing)];
    const auto& other = results[static_cast<size_t>(1 - failing)];
    EXPECT_EQ(failed.code, 1);
    EXPECT_THAT(failed.said, AllOf(HasSubstr(name + ", set-up: shapes do not fit\n"),
                                   Not(HasSubstr("more lines"))));
    EXPECT_EQ(other.code, 1);
    EXPECT_THAT(other.said,
                AllOf(HasSubstr(name + " failed: its message says why"), Not(HasSubstr("shapes"))));
  }
}

TEST(EndTogether, OfAMistakeHasTheCodeOfOne) {
  const auto results = two_ranks(throwing(1, [] { throw Error("no such file"); }));
  EXPECT_EQ(results[1].code, 2);
  EXPECT_THAT(results[1].said, HasSubstr("rank 1, set-up: no such file"));
  EXPECT_EQ(results[0].code, 1);
}

// As one that waits for a GPU which waits for the other's.
TEST(EndTogether, EndsAProcessThatNoticesNothingItself) {
  const auto results = two_ranks([](ProcessGroup& group) {
    if (group.rank() == 0) {
      fail_in_libtorch();
    }
    std::this_thread::sleep_for(std::chrono::seconds(60));
  });
  EXPECT_EQ(results[1].code, 1);
  EXPECT_THAT(results[1].said, HasSubstr("rank 1 ends, because rank 0 failed"));
}

TEST(EndTogether, TellsTheOthersOfAnInterruption) {
  const auto results = two_ranks(throwing(1, [] { throw Interrupted(); }));
  EXPECT_TRUE(results[1].threw);
  EXPECT_EQ(results[0].code, 1);
  EXPECT_THAT(results[0].said, HasSubstr("rank 1 was interrupted"));
}

TEST(EndTogether, LetsAProcessAloneThrow) {
  ProcessGroup alone;
  EXPECT_THROW(end_together(alone, [] { throw Error("no such file"); }), Error);
  EXPECT_THROW(end_together(alone, fail_in_libtorch), c10::Error);
}

}  // namespace
}  // namespace moca::distributed
