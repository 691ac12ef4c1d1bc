#include "moca/checkpoint/checkpoint_folder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include "moca/checkpoint/module_state.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

using testing::TemporaryFolder;

void write_step(const TemporaryFolder& folder, int64_t step, int64_t keep = 3) {
  write_checkpoint(folder.path(), step, {{"model.safetensors", {{"w", at::full({2}, step)}}}}, "{}",
                   keep);
}

TEST(CheckpointFolder, FindsTheNewestAndKeepsTheLastOnes) {
  const TemporaryFolder folder;
  EXPECT_FALSE(latest_step(folder.path()).has_value());
  for (const int64_t step : {100, 200, 1000, 300}) {
    write_step(folder, step, 2);
  }
  EXPECT_EQ(latest_step(folder.path()), 1000);
  EXPECT_TRUE(std::filesystem::exists(step_folder(folder.path(), 300)));
  EXPECT_FALSE(std::filesystem::exists(step_folder(folder.path(), 200)));
}

TEST(CheckpointFolder, IgnoresAndRemovesWhatAKilledWriterLeft) {
  const TemporaryFolder folder;
  write_step(folder, 10);
  std::filesystem::create_directories(folder / ".unfinished_step_00000020");
  write_file(folder / ".unfinished_step_00000020/model.safetensors", "half");
  std::filesystem::create_directories(folder / "step_00000030");  // without state.json
  EXPECT_EQ(latest_step(folder.path()), 10);
  remove_unfinished(folder.path());
  EXPECT_FALSE(std::filesystem::exists(folder / ".unfinished_step_00000020"));
}

TEST(CheckpointFolder, NeverTouchesACheckpointThatExists) {
  const TemporaryFolder folder;
  write_step(folder, 10);
  write_checkpoint(folder.path(), 10, {{"model.safetensors", {{"w", at::zeros({2})}}}}, "{}", 3);
  const SafetensorsFile file(step_folder(folder.path(), 10) / "model.safetensors");
  EXPECT_EQ(file.read("w")[0].item<double>(), 10.0);
}

TEST(ModuleState, LoadsWhatItSaved) {
  const TemporaryFolder folder;
  const torch::nn::Linear saved(3, 2), loaded(3, 2);
  write_safetensors(folder / "m.safetensors", state_of(*saved));
  load_state(*loaded.ptr(), SafetensorsFile(folder / "m.safetensors"));
  EXPECT_TRUE(testing::bit_equal(loaded->weight, saved->weight));
  EXPECT_TRUE(testing::bit_equal(loaded->bias, saved->bias));
}

class ModuleStateRefusal : public ::testing::Test {
 protected:
  std::string refusal(const NamedTensors& tensors) {
    write_safetensors(folder_ / "m.safetensors", tensors);
    torch::nn::Linear module(3, 2);
    const auto before = module->weight.clone();
    std::string message;
    try {
      load_state(*module, SafetensorsFile(folder_ / "m.safetensors"));
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_TRUE(at::equal(module->weight, before)) << "a refused file changed the module";
    return message;
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(ModuleStateRefusal, NamesAMissingTensor) {
  EXPECT_THAT(refusal({{"weight", at::zeros({2, 3})}}),
              ::testing::HasSubstr("'bias' [2] is missing"));
}

TEST_F(ModuleStateRefusal, NamesAnUnexpectedTensor) {
  EXPECT_THAT(
      refusal({{"weight", at::zeros({2, 3})}, {"bias", at::zeros({2})}, {"gain", at::zeros({1})}}),
      ::testing::HasSubstr("'gain' [1] has no place in the model"));
}

TEST_F(ModuleStateRefusal, NamesBothShapes) {
  EXPECT_THAT(refusal({{"weight", at::zeros({2, 4})}, {"bias", at::zeros({2})}}),
              ::testing::HasSubstr("'weight' has the shape [2, 4], the model expects [2, 3]"));
}

}  // namespace
}  // namespace moca::checkpoint
