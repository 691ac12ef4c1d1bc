#include "moca/checkpoint/checkpoint_folder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "moca/core/file_io.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::refusal;
using ::testing::UnorderedElementsAre;

class CheckpointFolder : public ::testing::Test {
 protected:
  fs::path checkpoints() const { return folder_ / "run/checkpoints"; }
  fs::path step(int64_t number) const { return step_folder(checkpoints(), number); }

  void write(int64_t number, int64_t keep = 3) const {
    write_checkpoint(checkpoints(), number,
                     {{"model.safetensors", {{"w", at::full({2}, static_cast<double>(number))}}},
                      {"ema.safetensors", {{"w", at::zeros({2})}}}},
                     "{\"step\": " + std::to_string(number) + "}", keep);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(checkpoints())) {
      found.push_back(entry.path().filename());
    }
    return found;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(CheckpointFolder, HoldsEveryFileOfItsStep) {
  write(1000);
  EXPECT_EQ(step(1000).filename(), "step_00001000");
  EXPECT_EQ(read_file(step(1000) / "state.json"), "{\"step\": 1000}");
  EXPECT_TRUE(testing::bit_equal(SafetensorsFile(step(1000) / "model.safetensors").read("w"),
                                 at::full({2}, 1000.0)));
  EXPECT_TRUE(fs::exists(step(1000) / "ema.safetensors"));
}

TEST_F(CheckpointFolder, FindsTheNewestByNumber) {
  EXPECT_FALSE(latest_step(checkpoints()).has_value()) << "of a folder that is not there";
  fs::create_directories(checkpoints());
  EXPECT_FALSE(latest_step(checkpoints()).has_value()) << "of an empty folder";
  for (const int64_t number : {99999999, 100000000, 7}) {  // more digits than the name is padded to
    write(number);
  }
  EXPECT_EQ(latest_step(checkpoints()), 100000000);
}

TEST_F(CheckpointFolder, KeepsTheLastOnesAndAtLeastOne) {
  for (const int64_t number : {100, 200, 1000, 300}) {
    write(number, 2);
  }
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000300", "step_00001000"));
  write(2000, 0);
  EXPECT_THAT(names(), UnorderedElementsAre("step_00002000"));
}

TEST_F(CheckpointFolder, LooksPastEverythingThatIsNoCompleteCheckpoint) {
  write(10);
  fs::create_directories(checkpoints() / ".unfinished_step_00000020");
  write_file(checkpoints() / ".unfinished_step_00000020/state.json", "{}");
  fs::create_directories(step(30));                                     // without state.json
  for (const char* name : {"step_40", "step_00000050_copy", "best"}) {  // the user's own
    fs::create_directories(checkpoints() / name);
    write_file(checkpoints() / name / "state.json", "{}");
  }
  EXPECT_EQ(latest_step(checkpoints()), 10);
  for (const int64_t number : {60, 70, 80}) {
    write(number, 1);
  }
  EXPECT_THAT(names(), ::testing::IsSupersetOf({"step_40", "step_00000050_copy", "best"}))
      << "what is not ours was removed";
}

TEST_F(CheckpointFolder, RemovesWhatAKilledWriterLeft) {
  write(10);
  fs::create_directories(checkpoints() / ".unfinished_step_00000020");
  write_file(checkpoints() / ".unfinished_step_00000020/model.safetensors", "half");
  remove_unfinished(checkpoints());
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010"));
  EXPECT_EQ(refusal([&] { remove_unfinished(folder_ / "nowhere"); }), "accepted");
}

TEST_F(CheckpointFolder, WritesOverWhatAKilledWriterLeftOfTheSameStep) {
  fs::create_directories(checkpoints() / ".unfinished_step_00000010");
  write_file(checkpoints() / ".unfinished_step_00000010/junk", "half");
  write(10);
  EXPECT_FALSE(fs::exists(step(10) / "junk"));
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010"));
}

TEST_F(CheckpointFolder, NeverTouchesACheckpointThatExists) {
  write(10);
  const auto before = read_file(step(10) / "model.safetensors");
  write_checkpoint(checkpoints(), 10, {{"model.safetensors", {{"w", at::zeros({2})}}}}, "{}", 3);
  EXPECT_EQ(read_file(step(10) / "model.safetensors"), before);
}

TEST_F(CheckpointFolder, AFailureLeavesTheOlderOnesAlone) {
  write(10);
  // The tensors of one file cannot be written: the folder of its name is missing.
  EXPECT_NE(refusal([&] {
              write_checkpoint(checkpoints(), 20,
                               {{"missing/model.safetensors", {{"w", at::zeros({2})}}}}, "{}", 1);
            }),
            "accepted");
  EXPECT_EQ(latest_step(checkpoints()), 10);
  remove_unfinished(checkpoints());
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010"));
}

TEST_F(CheckpointFolder, SaysWhereItCannotBeWritten) {
  write_file(folder_ / "run", "a file where the folder should be");
  EXPECT_THAT(refusal([&] { write(10); }),
              AllOf(HasSubstr("cannot write the checkpoint " + step(10).string()),
                    HasSubstr("choose a folder that can be written to")));
}

}  // namespace
}  // namespace moca::checkpoint
