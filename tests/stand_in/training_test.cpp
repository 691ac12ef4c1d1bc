#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "moca/checkpoint/checkpoint_folder.h"
#include "moca/checkpoint/safetensors.h"
#include "moca/config/schema.h"
#include "moca/core/file_io.h"
#include "synchronizations.h"
#include "tests/experiment/tiny_runs.h"
#include "tests/support/ranks.h"
#include "tests/support/tensor_matchers.h"

// Whole runs on the stand-in device beside those of the CPU.
namespace moca::experiment {
namespace {

struct Variant {
  const char* name;
  Stage stage;
  std::vector<std::string> overrides;
  double tolerance = 1e-5;  // of losses, relative to the CPU's
};

void PrintTo(const Variant& variant, std::ostream* stream) { *stream << variant.name; }

RunConfig config_of(const TinyRuns& runs, const Variant& variant, const std::string& device) {
  const auto name = std::string(variant.name) + "_on_" + device;
  auto config = variant.stage == Stage::kVae ? runs.vae_config(name) : runs.dit_config(name);
  config::set(config, variant.overrides);
  config.device = device;
  return config;
}

std::vector<double> losses_of(const RunConfig& config) {
  train_run(config);
  std::vector<double> losses;
  std::istringstream lines(read_file(config.folder() / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    losses.push_back(nlohmann::json::parse(line).at("loss"));
  }
  return losses;
}

// The data and the VAE that all share.
const TinyRuns& shared_runs() {
  static const auto* const made = [] {
    auto* const made = new TinyRuns();
    auto config = made->vae_config();
    config.device = "cpu";
    train_run(config);
    return made;
  }();
  return *made;
}

double relative(double found, double expected) {
  return std::abs(found - expected) / std::abs(expected);
}

class RunsOnTheStandIn : public ::testing::TestWithParam<Variant> {};

TEST_P(RunsOnTheStandIn, HaveTheLossesOfTheCpu) {
  const auto losses_on = [&](const std::string& device) {
    auto config = config_of(shared_runs(), GetParam(), device);
    config.training.max_steps = 20;
    config.training.checkpoint_every = 1000;
    config.training.optimizer.learning_rate = 1e-3;
    return losses_of(config);
  };
  const auto expected = losses_on("cpu"), found = losses_on("cuda");
  ASSERT_EQ(expected.size(), 20U);
  ASSERT_EQ(found.size(), 20U);
  double largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    largest = std::max(largest, relative(found[i], expected[i]));
  }
  std::printf("%s: losses differ by %.1e at most\n", GetParam().name, largest);
  EXPECT_LE(largest, GetParam().tolerance);
}

const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {
      {"vae", Stage::kVae, {}},
      {"vae_occupancy", Stage::kVae, {"vae_training.target=occupancy"}},
      {"vae_in_bf16", Stage::kVae, {"training.precision=bf16"}, 1e-2},
      {"moca", Stage::kDit, {}},
      {"moca_in_bf16", Stage::kDit, {"training.precision=bf16"}, 1e-2},
      {"moca_without_cache", Stage::kDit, {"dit_training.num_cached_encodings=0"}},
      {"moca_by_values_and_softmax",
       Stage::kDit,
       {"dit.router.activation=softmax", "dit.router.gate_target=value"}},
      {"moca_checkpointed_and_sharded",
       Stage::kDit,
       {"dit_training.activation_checkpointing=true", "training.shard_optimizer=true",
        "training.micro_batches=2", "training.ema_on_cpu=true"}},
      {"dense", Stage::kDit, {"dit.global_attention=dense"}},
      {"scenes_with_lora",
       Stage::kDit,
       {"image_encoder.num_channels=7", "adapter.kind=lora", "adapter.lora.rank=2",
        "adapter.lora.targets=[attention.attention.query]"}}};
  return all;
}

INSTANTIATE_TEST_SUITE_P(Variants, RunsOnTheStandIn, ::testing::ValuesIn(variants()),
                         [](const auto& info) { return std::string(info.param.name); });

using Counts = std::map<std::pair<std::string, std::string>, int64_t>;

Counts synchronizations_of(const Variant& variant, int64_t steps, int64_t log_every) {
  auto config = config_of(shared_runs(), variant, "cuda");
  config.name += "_of_" + std::to_string(steps);
  config.training.max_steps = steps;
  config.training.checkpoint_every = 1000;
  config.training.log_every = log_every;
  stand_in::forget_synchronizations();
  train_run(config);
  return stand_in::synchronizations();
}

// How often the host waits for the device in a step of one micro-batch, by kind.
std::map<std::string, double> waits_of_a_step(const Variant& variant, int64_t log_every = 1000) {
  constexpr int64_t kFew = 3, kMany = 9;  // what is done once cancels out
  const auto few = synchronizations_of(variant, kFew, log_every);
  std::map<std::string, double> waits;
  std::printf("%s, a step:\n", variant.name);
  for (const auto& [what, count] : synchronizations_of(variant, kMany, log_every)) {
    const auto before = few.find(what);
    const auto more = static_cast<double>(count - (before == few.end() ? 0 : before->second)) /
                      static_cast<double>(kMany - kFew);
    if (more != 0) {
      waits[what.first] += more;
      std::printf("  %6.2f  %s: %s\n", more, what.first.c_str(), what.second.c_str());
    }
  }
  return waits;
}

// For the losses and for the norm of the gradients; nothing inside the models.
TEST(StepOnTheStandIn, LetsTheHostWaitTwice) {
  const std::map<std::string, double> twice = {{"item", 1}, {"wait for a stream", 1}};
  EXPECT_EQ(waits_of_a_step({"vae", Stage::kVae, {}}), twice);
  const std::string checkpointed = "dit_training.activation_checkpointing=true";
  EXPECT_EQ(waits_of_a_step({"cached", Stage::kDit, {checkpointed}}), twice);
  EXPECT_EQ(waits_of_a_step(
                {"encoded",
                 Stage::kDit,
                 {checkpointed, "dit_training.num_cached_encodings=0", "training.precision=bf16"}}),
            twice);
  EXPECT_EQ(waits_of_a_step({"scene", Stage::kDit, {"image_encoder.num_channels=7"}}), twice);
}

TEST(StepOnTheStandIn, WaitsOnceMoreForAllThatIsLogged) {
  const std::map<std::string, double> thrice = {{"item", 1}, {"wait for a stream", 2}};
  EXPECT_EQ(waits_of_a_step({"vae_logged", Stage::kVae, {}}, 1), thrice);
  EXPECT_EQ(waits_of_a_step({"logged", Stage::kDit, {}}, 1), thrice);
}

// Two programs, for a process that has used a GPU cannot be divided in two.
TEST(TwoRanksOnTheStandIn, TrainTheModelOfOne) {
  const auto& runs = shared_runs();
  const Variant variant{"ranks",
                        Stage::kDit,
                        {"training.micro_batches=2", "training.shard_optimizer=true",
                         "dit_training.activation_checkpointing=true"}};
  auto config = config_of(runs, variant, "cuda");
  config.training.optimizer.learning_rate = 1e-3;
  train_run(config);
  const auto alone = config.folder();
  config.name = "two_ranks";
  write_file(runs / "two_ranks.yaml", config::dump(config));
  const std::string program = MOCA_PROGRAM " train " + (runs / "two_ranks.yaml").string();
  const std::string job = "WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=" +
                          std::to_string(testing::free_port()) + " OMP_NUM_THREADS=1 ";
  const auto rank = [&](const std::string& number) {
    return job + "RANK=" + number + " LOCAL_RANK=" + number + " " + program;
  };
  ASSERT_EQ(std::system((rank("1") + " & first=$!; " + rank("0") + " && wait $first").c_str()), 0);
  const auto model_of = [](const std::filesystem::path& folder) {
    return checkpoint::SafetensorsFile(checkpoint::step_folder(folder / "checkpoints", 4) /
                                       "model.safetensors");
  };
  const auto expected = model_of(alone), found = model_of(config.folder());
  for (const auto& [name, entry] : expected.entries()) {
    // A key's bias moves all logits of a row alike: its gradient is rounding, which AdamW enlarges.
    const double tolerance = name.ends_with("key.bias") ? 1e-4 : 1e-6;
    EXPECT_TRUE(testing::all_close(found.read(name), expected.read(name), tolerance)) << name;
  }
}

}  // namespace
}  // namespace moca::experiment
