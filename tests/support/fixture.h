#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "moca/checkpoint/safetensors.h"
#include "moca/core/file_io.h"
#include "tests/support/shared_folder.h"

namespace moca::testing {

inline std::filesystem::path fixture_file(const std::string& name, const std::string& origin) {
  return fixture_folder(origin) / (name + ".safetensors");
}

// A test of the fixture `name` of either origin.
class FixtureTest : public ::testing::TestWithParam<std::string> {
 protected:
  explicit FixtureTest(std::string name) : name_(std::move(name)) {}

  void SetUp() override {
    auto path = fixture_file(name_, GetParam());
    if (may_skip(path, GetParam())) {
      GTEST_SKIP() << "no fixture at " << path;
    }
    file_.emplace(path);
    description_ = nlohmann::json::parse(read_file(path.replace_extension(".json")));
  }
  at::Tensor input(const std::string& name) const { return file_->read("inputs/" + name); }
  at::Tensor output(const std::string& name) const { return file_->read("outputs/" + name); }

  std::string name_;
  std::optional<checkpoint::SafetensorsFile> file_;
  nlohmann::json description_;
};

// Copies the weights of a fixture (everything but inputs/ and outputs/) into a module, strictly
// both ways but for the named extra keys of either side.
inline void load_fixture_weights(torch::nn::Module& module, const checkpoint::SafetensorsFile& file,
                                 const std::string& new_in_module = "",
                                 const std::string& not_in_module = "") {
  const torch::NoGradGuard no_grad;
  size_t used = 0;
  for (const auto& item : module.named_parameters()) {
    if (!new_in_module.empty() && item.key().find(new_in_module) != std::string::npos) {
      continue;
    }
    const auto stored = file.read(item.key());
    ASSERT_EQ(item.value().sizes(), stored.sizes()) << item.key();
    at::Tensor(item.value()).copy_(stored);
    ++used;
  }
  for (const auto& [name, entry] : file.entries()) {
    const bool weight = name.rfind("inputs/", 0) != 0 && name.rfind("outputs/", 0) != 0;
    used += weight && !not_in_module.empty() && name.find(not_in_module) != std::string::npos;
    used -= weight;
  }
  ASSERT_EQ(used, 0U) << "weights of the fixture without a place in the module";
}

}  // namespace moca::testing
