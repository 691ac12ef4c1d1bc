#include "moca/checkpoint/weights.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "moca/core/file_io.h"
#include "tests/checkpoint/sample_files.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

namespace moca::checkpoint {
namespace {

using testing::bit_equal;
using ::testing::HasSubstr;
using testing::refusal;
using testing::TemporaryFolder;

std::set<std::string> names_in(const TemporaryFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

TEST(Weights, AreOneFileWhenTheyAreSmall) {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  write_weights(folder / "m.safetensors", tensors, 1'000'000);
  EXPECT_EQ(names_in(folder), std::set<std::string>{"m.safetensors"});
  EXPECT_EQ(SafetensorsFile(folder / "m.safetensors").metadata(), (Metadata{{"format", "pt"}}));
  const Weights weights(folder / "m.safetensors");
  EXPECT_EQ(weights.path(), folder / "m.safetensors");
  EXPECT_EQ(weights.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(bit_equal(weights.read(name), tensor)) << name;
  }
}

TEST(Weights, AreShardsAndAnIndexWhenTheyAreLarge) {
  const TemporaryFolder folder;
  // 40, 40 | 200 (more than a shard may hold) | 40
  const NamedTensors tensors = {{"a", at::randn({10})},
                                {"b", at::randn({10})},
                                {"c", at::randn({50})},
                                {"d", at::randn({10}).to(at::kDouble).slice(0, 0, 5)}};
  write_weights(folder / "m.safetensors", tensors, 100);
  EXPECT_EQ(names_in(folder),
            (std::set<std::string>{"m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors",
                                   "m-00003-of-00003.safetensors", "m.safetensors.index.json"}));
  const Weights weights(folder / "m.safetensors.index.json");
  EXPECT_EQ(weights.entries().size(), tensors.size());
  EXPECT_FALSE(weights.contains("e"));
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(weights.contains(name));
    EXPECT_TRUE(bit_equal(weights.read(name), tensor)) << name;
    const auto target = at::empty_like(tensor);
    weights.read_into(name, target);
    EXPECT_TRUE(bit_equal(target, tensor)) << name;
  }
  EXPECT_THAT(read_file(folder / "m.safetensors.index.json"), HasSubstr("\"total_size\": 320"));
}

TEST(Weights, WrittenAnewAreNotMixedWithOlderOnes) {
  const TemporaryFolder folder;
  const NamedTensors tensors = {{"a", at::zeros({9})}, {"b", at::zeros({9})}};
  write_weights(folder / "m.safetensors", tensors, 1000);
  write_weights(folder / "m.safetensors", tensors, 40);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.safetensors"));
  write_weights(folder / "m.safetensors", tensors, 1000);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.safetensors.index.json"));
}

TEST(Weights, AreWrittenUnderTheirExtension) {
  EXPECT_THROW(write_weights("m.bin", {}, 1000), c10::Error);
}

TEST(Weights, NameFileAndTensorOfANan) {
  const TemporaryFolder folder;
  const NamedTensors tensors = {{"a", at::zeros({9})}, {"b", at::full({9}, NAN)}};
  write_weights(folder / "m.safetensors", tensors, 40);
  const Weights weights(folder / "m.safetensors.index.json");
  EXPECT_EQ(refusal([&] { weights.check_finite("a"); }), "accepted");
  EXPECT_THAT(refusal([&] { weights.check_finite("b"); }),
              HasSubstr("m-00002-of-00002.safetensors: 'b' [9] holds NaN at its element 0"));
}

// Two shards, "x" with a and b, "y" with c, under an index of the test's own.
class Index : public ::testing::Test {
 protected:
  Index() {
    write_safetensors(folder_ / "x", {{"a", at::zeros({1})}, {"b", at::zeros({1})}});
    write_safetensors(folder_ / "y", {{"c", at::zeros({1})}});
  }
  std::string refused(const std::string& json) {
    write_file(path(), json);
    return refusal([&] { const Weights weights(path()); });
  }
  std::filesystem::path path() const { return folder_ / "m.safetensors.index.json"; }

 private:
  TemporaryFolder folder_;
};

TEST_F(Index, IsAcceptedWhenItListsExactlyWhatTheShardsHold) {
  EXPECT_EQ(refused(R"({"weight_map":{"a":"x","b":"x","c":"y"}})"), "accepted");
  EXPECT_EQ(refused(R"({"metadata":{"total_size":12.0,"x":[{"weight_map":1}]},
                        "weight_map":{"a":"x","b":"x","c":"y"}})"),
            "accepted");
}

TEST_F(Index, MustAgreeWithTheShards) {
  EXPECT_THAT(refused(R"({"weight_map":{"a":"x","b":"x","c":"z"}})"),
              HasSubstr("z: No such file or directory"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"x","b":"x","c":"x"}})"),
              HasSubstr("index.json: 'c' is not in 'x', where weight_map places it"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"x","c":"y"}})"),
              HasSubstr("index.json: weight_map does not place 'b' in 'x', which holds it"));
}

TEST_F(Index, DoesNotLeaveItsFolder) {
  for (const char* shard : {"../x", "/etc/x", "sub/x", "..", ".", "", "a\\\\b", "x\\u0000"}) {
    EXPECT_THAT(refused(R"({"weight_map":{"a":")" + std::string(shard) + "\"}}"),
                HasSubstr("not the name of a file beside the index"))
        << shard;
  }
}

TEST_F(Index, IsRefusedWhenItIsNone) {
  const std::string no_map = "is not an object of file names";
  EXPECT_THAT(refused("{}"), HasSubstr("has no weight_map"));
  EXPECT_THAT(refused("5"), HasSubstr("has no weight_map"));
  EXPECT_THAT(refused(""), HasSubstr("is not JSON"));
  EXPECT_THAT(refused("{\"\xFF\":1}"), HasSubstr("is not UTF-8"));
  EXPECT_THAT(refused(R"({"weight_map":null})"), HasSubstr(no_map));
  EXPECT_THAT(refused(R"({"weight_map":[]})"), HasSubstr(no_map));
  EXPECT_THAT(refused(R"([{"weight_map":{}}])"), HasSubstr("has no weight_map"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":1}})"), HasSubstr(no_map));
  EXPECT_THAT(refused(R"({"weight_map":{"a":["x"]}})"), HasSubstr(no_map));
  EXPECT_THAT(refused(R"({"weight_map":{"a":{"b":"x"}}})"), HasSubstr(no_map));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"x","a":"y"}})"), HasSubstr("names 'a' twice"));
}

TEST_F(Index, MadeToFillTheMemoryIsRefused) {
  EXPECT_THAT(refused(R"({"metadata":)" + std::string(10'000'000, '[')),
              HasSubstr("nested deeper than 16 levels"));
  std::string zeros = R"({"metadata":[)";
  for (int i = 0; i < 4'000'001; ++i) {
    zeros += "0,";
  }
  EXPECT_THAT(refused(zeros), HasSubstr("more than 4000000 values"));
}

TEST(Weights, AreNoFolder) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal([&] { const Weights weights(folder.path()); }), HasSubstr("not a file"));
  EXPECT_THAT(refusal([&] { const Weights weights(folder / "m.index.json"); }),
              HasSubstr("No such file"));
}

}  // namespace
}  // namespace moca::checkpoint
