#include "src/training/tensorboard_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "moca/core/crc32c.h"
#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"

namespace moca::training {
namespace {

using ::testing::HasSubstr;

template <class Number>
Number number_at(const std::string& bytes, size_t place) {
  Number number{};
  std::memcpy(&number, bytes.data() + place, sizeof(number));
  return number;
}

uint32_t masked(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes.data(), bytes.size());
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

// The records of a file of TFRecord frames, their checksums checked.
std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> records;
  for (size_t place = 0; place < file.size();) {
    const auto length = number_at<uint64_t>(file, place);
    EXPECT_EQ(number_at<uint32_t>(file, place + 8), masked(file.substr(place, 8)));
    records.push_back(file.substr(place + 12, length));
    EXPECT_EQ(number_at<uint32_t>(file, place + 12 + length), masked(records.back()));
    place += 16 + length;
  }
  return records;
}

std::filesystem::path only_file_in(const std::filesystem::path& folder) {
  const auto entries = std::filesystem::directory_iterator(folder);
  return begin(entries)->path();
}

TEST(TensorboardLog, WritesFramesOfEventsThatAreThereAtOnce) {
  const testing::TemporaryFolder folder;
  TensorboardLog log(folder.path(), 40);
  log.record(41, {{"loss", 0.5}, {"gradient_norm", 2.0}});
  const auto file = only_file_in(folder.path());
  EXPECT_THAT(file.filename().string(), ::testing::StartsWith("events.out.tfevents."));
  const auto records = records_of(read_file(file));
  ASSERT_EQ(records.size(), 3U);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  // Field 2, the step; field 7, a session log whose status is START.
  EXPECT_EQ(records[1].substr(9), std::string("\x10\x29\x3A\x02\x08\x01", 6));
  std::string half(4, '\0');
  const float value = 0.5F;
  std::memcpy(half.data(), &value, sizeof(value));
  // Field 5, the summary: values of a tag and a number each.
  EXPECT_THAT(records[2], HasSubstr(std::string("\x10\x29", 2)));
  EXPECT_THAT(records[2], HasSubstr("\x0A\x0B\x0A\x04loss\x15" + half));
  EXPECT_THAT(records[2], HasSubstr("gradient_norm"));
}

TEST(TensorboardLog, BeginsANewFileForEveryStart) {
  const testing::TemporaryFolder folder;
  TensorboardLog(folder.path(), 0).record(1, {{"loss", 1.0}});
  TensorboardLog(folder.path(), 1).record(2, {{"loss", 1.0}});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

}  // namespace
}  // namespace moca::training
