#include "src/experiment/run_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/ranks.h"
#include "tests/support/refusal.h"

namespace moca::experiment {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;

TEST(RunDevices, AreAllCpusOrEachItsOwnGpu) {
  require_own_gpus({"", "", ""});
  require_own_gpus({"H200 a of one", "H200 b of one", "H200 a of another"});
  EXPECT_THAT(refusal([] {
                require_own_gpus({"H200 a of one", "H200 b of one", "H200 b of one"});
              }),
              AllOf(HasSubstr("ranks 1 and 2 were given the same GPU (H200 b of one)"),
                    HasSubstr("--gpus-per-task=1")));
  EXPECT_THAT(refusal([] {
                require_own_gpus({"H200 a of one", ""});
              }),
              HasSubstr("rank 0 computes on H200 a of one, rank 1 on a CPU. Use device: cuda"));
}

TEST(RunDevices, OfTwoRanksAreComparedByBoth) {
  const auto results = testing::run_ranks(2, [](distributed::ProcessGroup& group) -> std::string {
    ops::DeviceChoice own;
    own.text = "device of rank " + std::to_string(group.rank());
    const auto lines = lines_of_devices(group, own);
    own.gpu = "the only one";
    const auto refused = refusal([&] { lines_of_devices(group, own); });
    return lines[0] + ", " + lines[1] + ": " + refused;
  });
  for (const auto& result : results) {
    EXPECT_THAT(result.text, AllOf(HasSubstr("device of rank 0, device of rank 1: "),
                                   HasSubstr("ranks 0 and 1 were given the same GPU")));
  }
}

TEST(RunDevices, AreSaidOnceEach) {
  ::testing::internal::CaptureStderr();
  log_devices({"device cpu"});
  log_devices({"gpu 0", "gpu 1", "gpu 0"});
  const auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, AllOf(HasSubstr(" device cpu\n"), HasSubstr("rank 0: gpu 0\n"),
                          HasSubstr("rank 1: gpu 1\n"), ::testing::Not(HasSubstr("rank 2"))));
}

}  // namespace
}  // namespace moca::experiment
