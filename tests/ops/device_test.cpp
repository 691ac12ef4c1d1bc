#include "moca/ops/device.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/refusal.h"

namespace moca::ops {
namespace {

std::string refusal_of(const std::string& name) {
  return testing::refusal([&] { select_device(name); });
}

TEST(SelectDevice, FindsTheCpuAndSomethingAutomaticEverywhere) {
  EXPECT_TRUE(select_device("cpu").is_cpu());
  const auto found = select_device("auto");
  EXPECT_TRUE(found.is_cpu() || found.is_cuda());
}

TEST(SelectDevice, RefusesWhatIsNoDeviceAndNamesTheOnesThereAre) {
  for (const char* name : {"", "gpu", "CPU", "cpu:0", "cudaX", "cuda:", "cuda:first", "cuda:-1",
                           "cuda:07", "cuda:1000", "mps"}) {
    const std::string message = refusal_of(name);
    EXPECT_NE(message.find("device '" + std::string(name) + "' is unknown"), std::string::npos)
        << message;
    EXPECT_NE(message.find("auto, cpu, cuda or cuda:N"), std::string::npos) << message;
  }
}

TEST(SelectDevice, RefusesAGpuThatNoMachineHasInOneLine) {
  const std::string message = refusal_of("cuda:99");
  EXPECT_NE(message.find("device 'cuda:99'"), std::string::npos) << message;
}

}  // namespace
}  // namespace moca::ops
