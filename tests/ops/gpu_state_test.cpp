#include "src/ops/gpu_state.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/test_device.h"

namespace moca::ops::gpu_state_test {
namespace {

TEST(GpuState, OfAMachineWithoutADriverIsThatThereIsNone) {
  if (std::filesystem::exists("/dev/nvidiactl")) {
    GTEST_SKIP() << "a driver is here";
  }
  const auto found = find_gpus();
  EXPECT_EQ(found.condition,
            found.built_for > 0 ? GpuCondition::kNoDriver : GpuCondition::kNotBuilt);
  EXPECT_EQ(found.driver, 0);
  EXPECT_EQ(found.count, 0);
}

TEST(GpuState, VersionsAreWrittenAsPeopleDo) {
  EXPECT_EQ(cuda_version(13000), "13.0");
  EXPECT_EQ(cuda_version(12080), "12.8");
}

TEST(GpuState, DescribesAGpuByNameMemoryAndVersions) {
  if (testing::device().is_cpu()) {
    GTEST_SKIP() << "MOCA_TEST_DEVICE names no GPU";
  }
  const auto found = find_gpus();
  EXPECT_EQ(found.condition, GpuCondition::kUsable);
  const auto [text, id] = describe_gpu(testing::device(), found);
  for (const char* part : {" GiB, driver for CUDA ", "; CUDA ", ", cuDNN "}) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  EXPECT_NE(id.find(" of "), std::string::npos) << id;
}

}  // namespace
}  // namespace moca::ops::gpu_state_test
