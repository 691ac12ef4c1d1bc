#include "moca/ops/device.h"

#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "src/ops/gpu_state.h"
#include "tests/support/refusal.h"

namespace moca::ops::device_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

GpuState gpus(int count) {
  GpuState state;
  state.condition = GpuCondition::kUsable;
  state.built_for = state.driver = 13000;
  state.count = count;
  return state;
}

GpuState unusable(GpuCondition condition, const std::string& detail = "") {
  GpuState state;
  state.condition = condition;
  state.detail = detail;
  state.built_for = 13000;
  state.driver = 12040;
  return state;
}

// What is said of "cuda" where the GPUs are such.
std::string refusal_of(const GpuState& state, const std::string& name = "cuda",
                       LocalProcess process = {}) {
  return testing::refusal([&] { choose_device(name, process, state); });
}

struct Case {
  GpuState state;
  std::string reason;
  std::string remedy;
};

std::vector<Case> states_without_a_usable_gpu() {
  auto hidden = unusable(GpuCondition::kNoneVisible);
  hidden.visible = "";
  return {
      {unusable(GpuCondition::kNotBuilt), "this moca was built without nvcc", "scripts/build.sh"},
      {unusable(GpuCondition::kNoDriver), "there is no NVIDIA driver", "--gpus all"},
      {unusable(GpuCondition::kOldDriver), "the NVIDIA driver is for CUDA 12.4, this moca for 13.0",
       "Update the driver"},
      {unusable(GpuCondition::kNoneVisible), "the NVIDIA driver sees no GPU", "nvidia-smi"},
      {hidden, "CUDA_VISIBLE_DEVICES='' shows no GPU", "Unset it"},
      {unusable(GpuCondition::kBroken, "system not yet initialized"),
       "CUDA says 'system not yet initialized'", "nvidia-smi"},
      {unusable(GpuCondition::kNoLibrary, "libcufile.so.0: cannot open"),
       "cannot be loaded (libcufile.so.0: cannot open)", "scripts/setup.sh"}};
}

TEST(ChooseDevice, SaysInOneLineWhyNoGpuCanBeUsedAndWhatToDo) {
  for (const auto& [state, reason, remedy] : states_without_a_usable_gpu()) {
    for (const char* name : {"cuda", "cuda:1"}) {
      EXPECT_THAT(
          refusal_of(state, name),
          AllOf(HasSubstr("device '" + std::string(name) + "' cannot be used: "), HasSubstr(reason),
                HasSubstr(remedy), HasSubstr(", or use device: cpu."), Not(HasSubstr("\n"))));
    }
  }
}

TEST(ChooseDevice, TakesTheCpuForAutoAndSaysWhy) {
  for (const auto& [state, reason, remedy] : states_without_a_usable_gpu()) {
    const auto choice = choose_device("auto", {}, state);
    EXPECT_TRUE(choice.device.is_cpu());
    EXPECT_THAT(choice.text, AllOf(HasSubstr("device cpu (device: auto, but "), HasSubstr(reason)));
  }
}

TEST(ChooseDevice, GivesEachProcessOfAMachineItsOwnGpu) {
  for (const int count : {1, 4}) {
    for (const int processes : {1, 2, 4, 8}) {
      for (int rank = 0; rank < processes; ++rank) {
        for (const char* name : {"auto", "cuda"}) {
          const LocalProcess process{rank, processes};
          if (count > 1 && processes > count) {
            EXPECT_THAT(refusal_of(gpus(count), name, process),
                        HasSubstr("8 processes of this machine ask for a GPU each, it has 4. "
                                  "Start at most as many"));
            continue;
          }
          const auto choice = choose_device(name, process, gpus(count));
          const int expected = count == 1 ? 0 : rank;
          EXPECT_EQ(choice.device.str(), "cuda:" + std::to_string(expected));
          EXPECT_THAT(choice.text, HasSubstr("(device: " + std::string(name) + ")"));
        }
      }
    }
  }
}

TEST(ChooseDevice, OfAFixedGpuIsRefusedToSeveralProcessesAndBeyondTheLast) {
  EXPECT_EQ(choose_device("cuda:3", {}, gpus(4)).device.index(), 3);
  EXPECT_THAT(refusal_of(gpus(4), "cuda:4"),
              HasSubstr("device 'cuda:4' does not exist: this process sees 4 GPUs. Use cuda:0 to "
                        "cuda:3."));
  EXPECT_THAT(refusal_of(gpus(4), "cuda:1", {1, 2}),
              HasSubstr("device 'cuda:1' is one GPU, but 2 processes run on this machine"));
}

TEST(SelectDevice, FindsTheCpuAndSomethingAutomaticEverywhere) {
  EXPECT_TRUE(select_device("cpu").device.is_cpu());
  EXPECT_EQ(select_device("cpu").gpu, "");
  EXPECT_THAT(select_device("cpu").text, HasSubstr("device cpu (device: cpu); LibTorch 2."));
  EXPECT_THAT(select_device("auto").text, AllOf(HasSubstr("device "), HasSubstr("LibTorch 2.")));
}

TEST(SelectDevice, RefusesWhatIsNoDeviceAndNamesTheOnesThereAre) {
  for (const char* name : {"", "gpu", "CPU", "cpu:0", "cudaX", "cuda:", "cuda:first", "cuda:-1",
                           "cuda:07", "cuda:1000", "mps"}) {
    EXPECT_THAT(testing::refusal([&] { select_device(name); }),
                AllOf(HasSubstr("device '" + std::string(name) + "' is unknown"),
                      HasSubstr("auto, cpu, cuda or cuda:N")));
  }
}

TEST(SelectDevice, RefusesAGpuThatNoMachineHasInOneLine) {
  EXPECT_THAT(testing::refusal([&] { select_device("cuda:99"); }),
              AllOf(HasSubstr("device 'cuda:99'"), Not(HasSubstr("\n"))));
}

TEST(DeterministicAlgorithms, AreLibTorchsAndCanBeTakenBack) {
  for (const bool wanted : {true, false}) {
    use_deterministic_algorithms(wanted);
    EXPECT_EQ(at::globalContext().deterministicAlgorithms(), wanted);
    EXPECT_FALSE(at::globalContext().deterministicAlgorithmsWarnOnly());
    EXPECT_EQ(at::globalContext().deterministicCuDNN(), wanted);
    EXPECT_FALSE(at::globalContext().deterministicFillUninitializedMemory());
  }
}

}  // namespace
}  // namespace moca::ops::device_test
