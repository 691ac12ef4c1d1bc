#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "tests/support/fixture.h"
#include "tests/support/python_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"

// The committed golden files are what their script makes, up to another processor's rounding.
namespace moca {
namespace {

namespace fs = std::filesystem;

constexpr double kRounding = 5e-5;  // as that of moca verify

void expect_same_tensors(const fs::path& made, const fs::path& committed) {
  const checkpoint::SafetensorsFile ours(made);
  const checkpoint::SafetensorsFile theirs(committed);
  EXPECT_EQ(ours.entries().size(), theirs.entries().size());
  for (const auto& [name, entry] : theirs.entries()) {
    ASSERT_TRUE(ours.contains(name)) << name;
    const auto expected = theirs.read(name);
    const bool whole = !expected.is_floating_point();
    EXPECT_EQ(ours.read(name).scalar_type(), expected.scalar_type()) << name;
    EXPECT_TRUE(testing::all_close(ours.read(name), expected, whole ? 0.0 : kRounding)) << name;
  }
}

// Numbers within the tolerance, all else equal; "noise" is of the processor that made the file.
void expect_same_json(const nlohmann::json& made, const nlohmann::json& committed,
                      const std::string& place) {
  if (committed.is_number_float()) {
    const double expected = committed;
    EXPECT_NEAR(made.get<double>(), expected, 1e-9 * std::max(1.0, std::abs(expected))) << place;
  } else if (committed.is_structured()) {
    ASSERT_EQ(made.type(), committed.type()) << place;
    ASSERT_EQ(made.size(), committed.size()) << place;
    for (const auto& [key, value] : committed.items()) {
      if (committed.is_array()) {
        expect_same_json(made[std::stoul(key)], value, place + "/" + key);
      } else if (key != "noise") {
        ASSERT_TRUE(made.contains(key)) << place << "/" << key;
        expect_same_json(made.at(key), value, place + "/" + key);
      }
    }
  } else {
    EXPECT_EQ(made, committed) << place;
  }
}

TEST(GoldenFixtures, AreWhatTheirScriptMakes) {
  const testing::TemporaryFolder folder;
  const auto run =
      testing::run_script("scripts/golden_fixtures.py", "'" + folder.path().string() + "'");
  if (run.code == testing::kPackageMissing) {
    GTEST_SKIP() << run.output;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  const auto golden = testing::fixture_folder("golden");
  size_t made = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    made += entry.is_regular_file();
  }
  size_t committed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) {
      continue;
    }
    ++committed;
    const auto name = fs::relative(entry.path(), golden);
    SCOPED_TRACE(name.string());
    const auto other = folder.path() / name;
    ASSERT_TRUE(fs::exists(other));
    if (name.extension() == ".safetensors") {
      expect_same_tensors(other, entry.path());
    } else if (name.extension() == ".json") {
      expect_same_json(nlohmann::json::parse(read_file(other)),
                       nlohmann::json::parse(read_file(entry.path())), "");
    } else {
      EXPECT_EQ(read_file(other), read_file(entry.path()));
    }
  }
  EXPECT_EQ(made, committed);
}

}  // namespace
}  // namespace moca
