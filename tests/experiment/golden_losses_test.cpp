// The first losses of twelve configurations, as they were when somebody last looked at them:
// golden_losses.json. Equal to the bit on the processor they were made on, near it on others.
// MOCA_WRITE_GOLDEN=1 writes the file anew; say in the commit why the losses changed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moca/core/file_io.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/source_folder.h"

namespace moca::experiment {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Variant {
  const char* name;
  Stage stage;
  std::function<void(RunConfig&)> change;
};

void PrintTo(const Variant& variant, std::ostream* stream) { *stream << variant.name; }

const std::vector<Variant>& variants() {
  using dit::GlobalAttentionKind;
  static const std::vector<Variant> all = {
      {"vae", Stage::kVae, [](RunConfig&) {}},
      {"vae_bf16", Stage::kVae,
       [](RunConfig& config) { config.training.precision = training::Precision::kBf16; }},
      {"vae_occupancy", Stage::kVae,
       [](RunConfig& config) { config.vae_training.target = training::FieldTarget::kOccupancy; }},
      {"moca", Stage::kDit, [](RunConfig&) {}},
      {"moca_bf16", Stage::kDit,
       [](RunConfig& config) { config.training.precision = training::Precision::kBf16; }},
      {"dense", Stage::kDit,
       [](RunConfig& config) { config.dit.global_attention = GlobalAttentionKind::kDense; }},
      {"no_global_attention", Stage::kDit,
       [](RunConfig& config) { config.dit.global_attention = GlobalAttentionKind::kNone; }},
      {"softmax_router", Stage::kDit,
       [](RunConfig& config) {
         config.dit.router.activation = ops::RouterActivation::kSoftmax;
         config.dit.router.gate_target = ops::GateTarget::kValue;
       }},
      {"full_compressed_tokens", Stage::kDit,
       [](RunConfig& config) { config.dit.compressed_tokens = dit::CompressedTokens::kFull; }},
      {"budget_of_components", Stage::kDit,
       [](RunConfig& config) {
         config.training.micro_batches = 2;
         config.dit_training.max_components = 5;
         config.dit_training.activation_checkpointing = true;
         config.training.shard_optimizer = true;
       }},
      {"component_masks_and_lora", Stage::kDit,
       [](RunConfig& config) {
         config.image_encoder.num_channels = 7;
         config::set(config, {"adapter.kind=lora", "adapter.lora.rank=2",
                              "adapter.lora.targets=[attention.attention.query]"});
       }},
      {"cosine_without_cache", Stage::kDit,
       [](RunConfig& config) {
         config.training.optimizer.schedule = training::Schedule::kCosine;
         config.dit_training.num_cached_encodings = 0;
       }},
  };
  return all;
}

// What decides which kernels run: name, family, model, stepping and vector units of the processor.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string text;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const auto value = line.substr(std::min(line.size(), line.find(':') + 2));
    for (const char* name : {"model name", "cpu family", "model\t", "stepping"}) {
      text += line.starts_with(name) ? value + " " : "";
    }
    if (line.starts_with("flags")) {
      text += value.find("avx512_bf16") == std::string::npos ? "without bf16" : "with bf16";
    }
  }
  return text;
}

fs::path golden_file() { return testing::source_folder() / "tests/experiment/golden_losses.json"; }

// The data and the VAE that all share.
const TinyRuns& runs() {
  static const auto* const made = [] {
    auto* const made = new TinyRuns();
    train_run(made->vae_config());
    return made;
  }();
  return *made;
}

std::vector<double> losses_of(const Variant& variant) {
  const auto name = std::string("golden_") + variant.name;
  auto config = variant.stage == Stage::kVae ? runs().vae_config(name) : runs().dit_config(name);
  config.training.max_steps = 6;
  variant.change(config);
  train_run(config);
  std::vector<double> losses;
  std::istringstream lines(read_file(config.folder() / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    losses.push_back(nlohmann::json::parse(line).at("loss"));
  }
  fs::remove_all(config.folder());
  return losses;
}

void write(const Variant& variant, const std::vector<double>& losses) {
  auto golden = fs::exists(golden_file()) ? ordered_json::parse(read_file(golden_file()))
                                          : ordered_json::object();
  golden["processor"] = processor();
  golden["losses"][variant.name] = losses;
  write_file(golden_file(), golden.dump(1) + "\n");
}

class GoldenLosses : public ::testing::TestWithParam<Variant> {};

TEST_P(GoldenLosses, AreWhatTheyWere) {
  const auto& variant = GetParam();
  const auto losses = losses_of(variant);
  ASSERT_EQ(losses.size(), 6U);
  if (std::getenv("MOCA_WRITE_GOLDEN") != nullptr) {
    write(variant, losses);
  }
  const auto golden = nlohmann::json::parse(read_file(golden_file()));
  const std::vector<double> expected = golden.at("losses").at(variant.name);
  const bool same_processor = golden.at("processor") == processor() && testing::device().is_cpu();
  const bool bf16 = std::string(variant.name).ends_with("bf16");
  for (size_t i = 0; i < losses.size(); ++i) {
    const double tolerance = same_processor ? 0.0 : (bf16 ? 3e-2 : 1e-3) * std::abs(expected[i]);
    EXPECT_NEAR(losses[i], expected[i], tolerance) << variant.name << ", step " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, GoldenLosses, ::testing::ValuesIn(variants()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace moca::experiment
