#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "moca/config/schema.h"
#include "moca/core/error.h"

// A config with every kind of field, sections inside sections and a rule across fields.
namespace moca::config::testing {

enum class Activation { kSigmoid, kSoftmax };

constexpr EnumNames<Activation, 2> enum_names(Activation) {
  return {{{"sigmoid", Activation::kSigmoid}, {"softmax", Activation::kSoftmax}}};
}

struct RouterConfig {
  int64_t num_selected = 4;
  Activation activation = Activation::kSigmoid;
  bool stochastic = true;

  bool operator==(const RouterConfig&) const = default;

  static void fields(auto& self, auto&& v) {
    v("num_selected", self.num_selected, "components seen in full", at_least(0));
    v("activation", self.activation, "turns logits into importance");
    v("stochastic", self.stochastic, "samples while training");
  }
};

struct ModelConfig {
  int64_t width = 64;
  int64_t num_heads = 4;
  RouterConfig router;
  std::vector<int64_t> global_blocks = {0, 2};

  bool operator==(const ModelConfig&) const = default;

  static void fields(auto& self, auto&& v) {
    v("width", self.width, "channels of a token", at_least(1));
    v("num_heads", self.num_heads, "attention heads", at_least(1));
    v("router", self.router, "which components are seen in full");
    v("global_blocks", self.global_blocks, "blocks that see other components", at_least(0));
  }

  void validate(const std::string& path) const {
    if (width % num_heads != 0) {
      throw Error(path + ".width (" + std::to_string(width) + ") must be a multiple of " + path +
                  ".num_heads (" + std::to_string(num_heads) + ").");
    }
  }
};

struct OptimizerConfig {
  double learning_rate = 1e-4;
  std::vector<double> betas = {0.9, 0.999};

  bool operator==(const OptimizerConfig&) const = default;

  static void fields(auto& self, auto&& v) {
    v("learning_rate", self.learning_rate, "after the warm-up", above(0));
    v("betas", self.betas, "AdamW's two", in_range(0, 1));
  }
};

struct TrainConfig {
  int64_t max_steps = 100;
  double condition_dropout = 0.1;
  int64_t precision = 32;
  OptimizerConfig optimizer;

  bool operator==(const TrainConfig&) const = default;

  static void fields(auto& self, auto&& v) {
    v("max_steps", self.max_steps, "steps in all", at_most(1000000), kMayChange);
    v("condition_dropout", self.condition_dropout, "share without picture", in_range(0, 1));
    v("precision", self.precision, "bits of a number", one_of({16, 32}));
    v("optimizer", self.optimizer, "AdamW", kMayChange);
  }
};

struct ExampleConfig {
  std::string title = "an \"example\"";
  std::string split = "train";
  std::vector<std::string> folders = {"a", "b c"};
  ModelConfig model;
  TrainConfig train;

  bool operator==(const ExampleConfig&) const = default;

  static void fields(auto& self, auto&& v) {
    v("title", self.title, "shown | in the report");
    v("split", self.split, "which assets", one_of({"train", "test"}));
    v("folders", self.folders, "where the assets are");
    v("model", self.model, "the network");
    v("train", self.train, "the training");
  }
  static std::vector<RetiredSetting> retired() {
    return {{"model.router.top_k", "write model.router.num_selected."}};
  }
};

// The message of the moca::Error that `call` throws; any other exception fails the test.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// A folder that disappears with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "moca_config_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace moca::config::testing
