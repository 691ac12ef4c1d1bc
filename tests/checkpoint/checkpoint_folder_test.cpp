#include "moca/checkpoint/checkpoint_folder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "moca/checkpoint/weights.h"
#include "moca/checkpoint/write_checkpoint.h"
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

  void write(int64_t number, int64_t keep = 3, int64_t every = 0) const {
    write_checkpoint(checkpoints(), number,
                     {{{"model.safetensors", {{"w", at::full({2}, static_cast<double>(number))}}}},
                      {{"ema.safetensors", {{"w", at::zeros({2})}}}},
                      "{\"step\": " + std::to_string(number) + "}"},
                     {keep, every});
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
  EXPECT_FALSE(latest_good_step(checkpoints()).has_value()) << "of a folder that is not there";
  fs::create_directories(checkpoints());
  EXPECT_FALSE(latest_good_step(checkpoints()).has_value()) << "of an empty folder";
  for (const int64_t number : {99999999, 100000000, 7}) {  // more digits than the name is padded to
    write(number);
  }
  EXPECT_EQ(latest_good_step(checkpoints()), 100000000);
}

TEST_F(CheckpointFolder, KeepsTheLastOnesAndAtLeastOne) {
  for (const int64_t number : {100, 200, 1000, 300}) {
    write(number, 2);
  }
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000300", "step_00001000"));
  write(2000, 0);
  EXPECT_THAT(names(), UnorderedElementsAre("step_00002000"));
}

TEST_F(CheckpointFolder, KeepsThoseOfRoundStepsForGood) {
  for (const int64_t number : {1, 10, 11, 20, 21, 22}) {
    write(number, 1, 10);
  }
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010", "step_00000020", "step_00000022"));
}

TEST_F(CheckpointFolder, LooksPastEverythingThatIsNoCheckpoint) {
  write(10);
  fs::create_directories(checkpoints() / ".unfinished_step_00000020");
  write_file(checkpoints() / ".unfinished_step_00000020/state.json", "{}");
  for (const char* name : {"step_40", "step_00000050_copy", "best"}) {  // the user's own
    fs::create_directories(checkpoints() / name);
    write_file(checkpoints() / name / "state.json", "{}");
  }
  EXPECT_EQ(latest_good_step(checkpoints()), 10);
  for (const int64_t number : {60, 70, 80}) {
    write(number, 1);
  }
  EXPECT_THAT(names(), ::testing::IsSupersetOf({"step_40", "step_00000050_copy", "best"}))
      << "what is not ours was removed";
}

// Checkpoints of steps 10 and 20, the newer one damaged by `spoil`.
class Damage : public CheckpointFolder {
 protected:
  void expect_noticed(const std::function<void(const fs::path& folder)>& spoil,
                      const std::string& how) {
    fs::remove_all(checkpoints());
    write(10);
    write(20);
    ASSERT_EQ(latest_good_step(checkpoints()), 20);
    spoil(step(20));
    EXPECT_EQ(latest_good_step(checkpoints()), 10) << how;
    tidy_up(checkpoints());
    EXPECT_THAT(names(), UnorderedElementsAre("step_00000010", "damaged_step_00000020")) << how;
    write(20);  // its place is free again
    EXPECT_EQ(latest_good_step(checkpoints()), 20) << how;
  }
  static std::vector<std::string> files() {
    return {"model.safetensors", "ema.safetensors", "state.json", "manifest.json"};
  }
};

TEST_F(Damage, AMissingFileIsNoticed) {
  for (const auto& file : files()) {
    expect_noticed([&](const fs::path& folder) { fs::remove(folder / file); }, file);
  }
}

TEST_F(Damage, EveryShorterLengthIsNoticed) {
  for (const auto& file : files()) {
    write(20);
    const auto size = fs::file_size(step(20) / file);
    for (uintmax_t length = 0; length < size; length += 1 + size / 25) {
      expect_noticed([&](const fs::path& folder) { fs::resize_file(folder / file, length); },
                     file + " of " + std::to_string(length) + " bytes");
    }
  }
}

TEST_F(Damage, AFlippedBitAnywhereIsNoticed) {
  for (const auto& file : files()) {
    write(20);
    const auto size = fs::file_size(step(20) / file);
    for (uintmax_t place = 0; place < size; place += 1 + size / 50) {
      expect_noticed(
          [&](const fs::path& folder) {
            auto text = read_file(folder / file);
            text[place] = static_cast<char>(text[place] ^ (1 << (place % 8)));
            write_file(folder / file, text);
          },
          file + " at byte " + std::to_string(place));
    }
  }
}

TEST_F(Damage, AManifestOfAnotherCheckpointIsNoticed) {
  expect_noticed(
      [&](const fs::path& folder) {
        fs::copy_file(step(10) / "manifest.json", folder / "manifest.json",
                      fs::copy_options::overwrite_existing);
      },
      "manifest of step 10");
  expect_noticed(
      [&](const fs::path& folder) {
        fs::remove_all(folder);
        fs::copy(step(10), folder);
      },
      "all files of step 10");
}

TEST_F(CheckpointFolder, SetsASecondDamagedOneOfAStepAsideAsWell) {
  write(10);
  for (int i = 0; i < 2; ++i) {
    write(20);
    fs::remove(step(20) / "state.json");
    tidy_up(checkpoints());
  }
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010", "damaged_step_00000020",
                                            "damaged_step_00000020_2"));
}

TEST_F(CheckpointFolder, RemovesWhatAKilledWriterLeft) {
  write(10);
  fs::create_directories(checkpoints() / ".unfinished_step_00000020");
  write_file(checkpoints() / ".unfinished_step_00000020/model.safetensors", "half");
  tidy_up(checkpoints());
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010"));
  EXPECT_EQ(refusal([&] { tidy_up(folder_ / "nowhere"); }), "accepted");
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
  write_checkpoint(checkpoints(), 10, {{{"model.safetensors", {{"w", at::zeros({2})}}}}, {}, "{}"},
                   {3, 0});
  EXPECT_EQ(read_file(step(10) / "model.safetensors"), before);
}

TEST_F(CheckpointFolder, AFailureLeavesTheOlderOnesAlone) {
  write(10);
  // The tensors of one file cannot be written: the folder of its name is missing.
  EXPECT_NE(refusal([&] {
              write_checkpoint(checkpoints(), 20,
                               {{{"missing/model.safetensors", {{"w", at::zeros({2})}}}}, {}, "{}"},
                               {1, 0});
            }),
            "accepted");
  EXPECT_EQ(latest_good_step(checkpoints()), 10);
  tidy_up(checkpoints());
  EXPECT_THAT(names(), UnorderedElementsAre("step_00000010"));
}

TEST_F(CheckpointFolder, SaysWhereItCannotBeWritten) {
  write_file(folder_ / "run", "a file where the folder should be");
  EXPECT_THAT(refusal([&] { write(10); }),
              AllOf(HasSubstr("cannot write the checkpoint " + step(10).string()),
                    HasSubstr("choose a folder that can be written to")));
}

// The part that process `index` of 3 writes of a checkpoint whose optimizer is sharded.
CheckpointContent part_of_three(int index) {
  const auto name = "w" + std::to_string(index);
  CheckpointContent content;
  content.shards = {{"optimizer.safetensors", {{name, at::full({2}, index)}}}};
  if (index == 0) {
    content.whole = {{"model.safetensors", {{"w", at::ones({2})}}}};
    content.state_json = "{}";
  }
  return content;
}

TEST_F(CheckpointFolder, SeveralProcessesWriteOneTogether) {
  std::vector<std::thread> processes;
  for (const int index : {2, 0, 1}) {
    processes.emplace_back([&, index] {
      write_checkpoint(checkpoints(), 10, part_of_three(index), {1, 0},
                       {index, 3, std::chrono::seconds(20)});
    });
  }
  for (auto& process : processes) {
    process.join();
  }
  EXPECT_EQ(latest_good_step(checkpoints()), 10);
  const Weights optimizer(weights_file(step(10), "optimizer.safetensors"));
  for (const int index : {0, 1, 2}) {
    EXPECT_TRUE(testing::bit_equal(optimizer.read("w" + std::to_string(index)),
                                   at::full({2}, static_cast<double>(index))));
  }
  EXPECT_EQ(weights_file(step(10), "model.safetensors"), step(10) / "model.safetensors");
  fs::remove(step(10) / "optimizer-00002-of-00003.safetensors");
  EXPECT_FALSE(latest_good_step(checkpoints()).has_value()) << "without a shard";
}

TEST_F(CheckpointFolder, IsNotFinishedWithoutEveryPart) {
  const auto write_first = [&](std::chrono::seconds patience) {
    return refusal([&] {
      write_checkpoint(checkpoints(), 10, part_of_three(0), {1, 0}, {0, 3, patience});
    });
  };
  EXPECT_THAT(write_first(std::chrono::seconds(0)), HasSubstr("the part of rank 1 did not come"));
  // A folder where the second one's shard should be.
  fs::create_directories(unfinished_folder(checkpoints(), 10) /
                         "optimizer-00002-of-00003.safetensors");
  EXPECT_NE(refusal([&] {
              write_checkpoint(checkpoints(), 10, part_of_three(1), {1, 0}, {1, 3});
            }),
            "accepted");
  EXPECT_THAT(write_first(std::chrono::seconds(20)), HasSubstr("rank 1 could not write its part"));
  EXPECT_FALSE(latest_good_step(checkpoints()).has_value());
}

}  // namespace
}  // namespace moca::checkpoint
