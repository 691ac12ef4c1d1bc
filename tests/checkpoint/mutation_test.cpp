#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "moca/checkpoint/weights.h"
#include "moca/core/error.h"
#include "src/checkpoint/weights_index.h"
#include "tests/checkpoint/sample_files.h"
#include "tests/support/temporary_folder.h"

// Damaged input of every kind ends in success or in an Error; the sanitizers watch the rest.
namespace moca::checkpoint {
namespace {

// An accepted file must be one that can be read in full.
void expect_sound(const Header& header, const std::string& bytes) {
  uint64_t total = 0;
  for (const auto& [name, entry] : header.entries) {
    uint64_t size = c10::elementSize(entry.type);
    for (const int64_t axis : entry.shape) {
      ASSERT_GE(axis, 0);
      size *= static_cast<uint64_t>(axis);
    }
    ASSERT_LE(entry.begin, entry.end);
    ASSERT_LE(entry.end, bytes.size());
    ASSERT_EQ(entry.end - entry.begin, size);
    total += size;
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  ASSERT_EQ(total + sizeof(length) + length, bytes.size());
}

TEST(Mutation, OfASafetensorsFileIsReadOrRefused) {
  constexpr int kMutations = 12'000;
  const auto files = valid_files();
  Mutator mutator(1);
  int accepted = 0;
  for (int i = 0; i < kMutations; ++i) {
    const auto bytes = mutator.file(files[i % files.size()]);
    try {
      const auto header = parse_bytes(bytes);
      expect_sound(header, bytes);
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations / 2);
}

TEST(Mutation, OfAFileOnTheDiskIsReadOrRefused) {
  constexpr int kMutations = 1'000;
  const testing::TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const auto files = valid_files();
  Mutator mutator(2);
  int read = 0;
  for (int i = 0; i < kMutations; ++i) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        << mutator.file(files[i % files.size()]);
    try {
      const Weights weights(path);
      for (const auto& [name, entry] : weights.entries()) {
        EXPECT_EQ(weights.read(name).sizes(), at::IntArrayRef(entry.shape));
        weights.check_finite(name);
      }
      ++read;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_LT(read, kMutations);
}

TEST(Mutation, OfAnIndexIsReadOrRefused) {
  constexpr int kMutations = 4'000;
  const std::string index =
      R"({"metadata":{"total_size":24},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})";
  Mutator mutator(3);
  int accepted = 0;
  for (int i = 0; i < kMutations; ++i) {
    try {
      for (const auto& [name, shard] : parse_index(mutator.text(index), "F")) {
        ASSERT_EQ(shard.find('/'), std::string::npos);
      }
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations);
}

}  // namespace
}  // namespace moca::checkpoint
