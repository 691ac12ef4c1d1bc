#include "moca/checkpoint/safetensors.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>

#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

using testing::bit_equal;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

NamedTensors some_tensors() {
  return {{"double", at::randn({3, 2}, at::kDouble)},
          {"float", at::randn({4, 5})},
          {"half", at::randn({7}).to(at::kHalf)},
          {"bf16", at::randn({2, 2}).to(at::kBFloat16)},
          {"long", at::arange(6)},
          {"int", at::arange(6).to(at::kInt)},
          {"byte", at::arange(6).to(at::kByte)},
          {"bool", at::arange(2).to(at::kBool)},
          {"scalar", at::tensor(3.5)},
          {"empty", at::zeros({0, 4})}};
}

// A file with this header text and so many bytes of data.
void write_raw(const std::filesystem::path& file, const std::string& header, size_t data_bytes) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  write_file(file, bytes + header + std::string(data_bytes, 'x'));
}

std::string refusal(const std::filesystem::path& file) {
  try {
    const SafetensorsFile opened(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, ReadsBackEveryTypeBitForBit) {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  write_safetensors(folder / "a.safetensors", tensors);
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(bit_equal(file.read(name), tensor)) << name;
    EXPECT_EQ(file.read(name).scalar_type(), tensor.scalar_type()) << name;
  }
}

TEST(Safetensors, ReadsOneRowOfATensor) {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  write_safetensors(folder / "a.safetensors", tensors);
  EXPECT_TRUE(bit_equal(SafetensorsFile(folder / "a.safetensors").read_row("float", 2),
                        tensors[1].second[2]));
}

TEST(Safetensors, WritesStridedTensorsAsTheyRead) {
  const TemporaryFolder folder;
  const auto strided = at::arange(12).view({3, 4}).t();
  write_safetensors(folder / "a.safetensors", {{"t", strided}});
  EXPECT_TRUE(bit_equal(SafetensorsFile(folder / "a.safetensors").read("t"), strided));
}

TEST(Safetensors, RefusesWhatIsBrokenAndSaysWhere) {
  const TemporaryFolder folder;
  const auto file = folder / "bad.safetensors";
  EXPECT_THAT(refusal(folder / "missing"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("not a file"));
  write_file(file, "abc");
  EXPECT_THAT(refusal(file), HasSubstr("too few"));
  write_file(file, std::string(8, '\x7f') + "{}");
  EXPECT_THAT(refusal(file), HasSubstr("truncated or not safetensors"));
  write_raw(file, "{\"a\": nonsense}", 0);
  EXPECT_THAT(refusal(file), HasSubstr("not JSON"));
  write_raw(file, std::string(5000, '['), 0);
  EXPECT_THAT(refusal(file), HasSubstr("nested deeper"));
  write_raw(file, R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 12);
  EXPECT_THAT(refusal(file), HasSubstr("tensor 'a' ends at byte 16 of the data, which has 12"));
  write_raw(file, R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}})", 16);
  EXPECT_THAT(refusal(file), HasSubstr("needs 16 bytes"));
  write_raw(file, R"({"a":{"dtype":"Q4","shape":[4],"data_offsets":[0,16]}})", 16);
  EXPECT_THAT(refusal(file), HasSubstr("has the type Q4"));
  write_raw(
      file,
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
      8);
  EXPECT_THAT(refusal(file), HasSubstr("overlaps"));
  write_raw(
      file,
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      8);
  EXPECT_THAT(refusal(file), HasSubstr("'a' stands twice"));
  write_raw(
      file,
      R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}})",
      8);
  EXPECT_THAT(refusal(file), HasSubstr("impossible shape"));
  write_raw(file, R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 8);
  EXPECT_THAT(refusal(file), HasSubstr("needs dtype, shape and data_offsets"));
}

TEST(Safetensors, AFileCutAfterItWasOpenedIsAnErrorNotACrash) {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  write_safetensors(path, {{"t", at::zeros({1000})}});
  const SafetensorsFile file(path);
  std::filesystem::resize_file(path, 200);
  EXPECT_THROW(file.read("t"), Error);
}

TEST(Safetensors, SurvivesTenThousandMutations) {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  write_safetensors(path, some_tensors());
  const auto original = read_file(path);
  std::mt19937_64 random(1);
  int refused = 0;
  for (int i = 0; i < 10000; ++i) {
    auto bytes = original;
    for (uint64_t change = 0; change <= random() % 4; ++change) {
      const size_t place = random() % (random() % 2 == 0 ? 700 : bytes.size());
      bytes[place % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 8 == 0) {
      bytes.resize(random() % bytes.size());
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    try {
      const SafetensorsFile file(path);
      for (const auto& [name, entry] : file.entries()) {
        file.read(name);
      }
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Safetensors, LeavesNothingBehindWhenTheFolderCannotBeWritten) {
  EXPECT_THROW(write_safetensors("/proc/nowhere/a.safetensors", some_tensors()), Error);
}

}  // namespace
}  // namespace moca::checkpoint
