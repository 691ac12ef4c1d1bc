// What moca exports, run by the plain PyTorch models that know no more of the folder than
// docs/public_weights.md says.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <string>

#include "moca/checkpoint/safetensors.h"
#include "moca/config/rules.h"
#include "moca/core/file_io.h"
#include "moca/core/generator.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/support/python_script.h"
#include "tests/support/source_folder.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

namespace fs = std::filesystem;
using dit::GlobalAttentionKind;

constexpr int64_t kChannels = 4, kPictureWidth = 16, kTokens = 6;
constexpr double kTolerance = 5e-6;

at::Tensor draw(at::IntArrayRef sizes, const at::Generator& generator) {
  return at::randn(sizes, generator, at::TensorOptions());
}

// Every constant is perturbed, and router and attention are made uneven.
void randomise(torch::nn::Module& module, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  auto generator = generator_for(seed, "plain models test");
  for (auto& item : module.named_parameters()) {
    const bool sharp = item.key().find("to_q") != std::string::npos ||
                       item.key().find("to_k") != std::string::npos;
    item.value().add_(draw(item.value().sizes(), generator), sharp ? 0.5 : 0.05);
  }
}

// An export of a random DiT with inputs in `folder`; returns what our module computes.
at::Tensor write_case(const fs::path& folder, const dit::DitConfig& config, int64_t N,
                      uint64_t seed) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(seed);
  dit::MocaDit dit(config, kChannels, dit::ConditionKinds{{"image", kPictureWidth}});
  randomise(*dit, seed);
  dit->eval();
  write_dit(folder, dit, kChannels, kPictureWidth);
  auto generator = generator_for(seed, "plain models inputs");
  dit::DitInput input;
  input.noisy_latents = draw({2, N, kTokens, kChannels}, generator);
  input.noise_level = at::tensor({0.25, 0.6875});  // exact times 1000
  input.conditions = {{.name = "image", .tokens = draw({2, 3, kPictureWidth}, generator)}};
  input.component_ids = at::stack({at::arange(N, at::kLong), at::arange(N, at::kLong).flip(0)});
  input.component_mask = at::ones({2, N}, at::kBool);
  checkpoint::write_safetensors(folder / "inputs.safetensors",
                                {{"noisy_latents", input.noisy_latents},
                                 {"noise_level", input.noise_level},
                                 {"image_tokens", input.conditions[0].tokens},
                                 {"component_ids", input.component_ids}});
  return -dit(input);  // the file's velocity is latents - noise
}

template <class Enum>
std::vector<Enum> all_of() {
  std::vector<Enum> values;
  for (const auto& [name, value] : enum_names(Enum{})) {
    values.push_back(value);
  }
  return values;
}

struct Case {
  std::string name;
  dit::DitConfig config;
};

// Every setting of router and global attention with every other, and what is not MoCA.
std::vector<Case> cases() {
  std::vector<Case> result;
  auto config = testing::tiny_dit_config();
  const auto add = [&](const std::string& name) { result.push_back({name, config}); };
  for (const auto activation : all_of<ops::RouterActivation>()) {
    for (const auto gate_target : all_of<ops::GateTarget>()) {
      for (const auto tokens : all_of<dit::CompressedTokens>()) {
        for (int bits = 0; bits < 4; ++bits) {
          for (const int64_t num_selected : {0, 1, 3}) {
            config.router.activation = activation;
            config.router.gate_target = gate_target;
            config.compressed_tokens = tokens;
            config.router.per_head = bits % 2 == 1;
            config.attend_compressed = bits / 2 == 1;
            config.router.num_selected = num_selected;
            add(std::string(config::name_of(activation)) + "_" + config::name_of(gate_target) +
                "_" + config::name_of(tokens) + (config.router.per_head ? "_per_head" : "") +
                (config.attend_compressed ? "_compressed" : "") + "_k" +
                std::to_string(num_selected));
          }
        }
      }
    }
  }
  config = testing::tiny_dit_config();
  config.router.gate_compressed = false;
  for (const auto gate_target : all_of<ops::GateTarget>()) {
    for (const int64_t num_selected : {0, 1}) {
      config.router.gate_target = gate_target;
      config.router.num_selected = num_selected;
      add(std::string(config::name_of(gate_target)) + "_compressed_not_gated_k" +
          std::to_string(num_selected));
    }
  }
  config = testing::tiny_dit_config();
  config.num_layers = 5;
  config.global_blocks = {1, 4};
  config.global_image_attention = false;
  add("moc_blocks_1_4_without_picture");
  config.global_image_attention = true;
  config.local_image_attention = false;
  config.global_attention = GlobalAttentionKind::kDense;
  add("dense");
  config.codebook_size = 0;
  config.local_image_attention = true;
  add("dense_without_ids");
  config.global_blocks = {};
  config.global_attention = GlobalAttentionKind::kNone;
  add("none");
  return result;
}

TEST(PlainModels, LoadEveryKindOfDitAndComputeWhatWeDo) {
  at::set_num_threads(1);
  const testing::TemporaryFolder folder;
  std::vector<std::pair<fs::path, at::Tensor>> ours;
  uint64_t seed = 1;
  for (const auto& [name, config] : cases()) {
    for (const int64_t N : {1, 4}) {
      if (N == 1 && config.router.num_selected != 1) {
        continue;  // nothing is routed
      }
      const auto path = folder / (name + "_N" + std::to_string(N));
      ours.emplace_back(path, write_case(path, config, N, seed++));
    }
  }
  const auto run = testing::run_script("tests/pretrained/run_plain_models.py",
                                       "'" + folder.path().string() + "'");
  if (run.code == testing::kPackageMissing) {
    GTEST_SKIP() << run.output;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  double worst = 0;
  for (const auto& [path, velocity] : ours) {
    const auto plain = checkpoint::SafetensorsFile(path / "plain.safetensors").read("velocity");
    const auto scale = std::max(1.0, velocity.abs().max().item<double>());
    const auto error = (plain - velocity).abs().max().item<double>() / scale;
    EXPECT_LE(error, kTolerance) << path.filename();
    worst = std::max(worst, error);
  }
  RecordProperty("worst", std::to_string(1e6 * worst) + "e-6");
}

// The block of Python in the document, run as it stands there.
TEST(PlainModels, TheDocumentsDecodingExampleGivesOurField) {
  const torch::NoGradGuard no_grad;
  at::set_num_threads(1);
  const testing::TemporaryFolder folder;
  auto vae = testing::tiny_vae(3);
  randomise(*vae, 3);
  vae->eval();
  vae::LatentStatistics statistics(kChannels);
  statistics->set(at::tensor({0.5, -1.0, 0.0, 2.0}), at::tensor({0.25, 2.0, 1.0, 0.1}));
  write_vae(folder / "export", vae, statistics);
  const auto latents = draw({2, 8, kChannels}, generator_for(4, "plain models test"));
  checkpoint::write_safetensors(folder / "latents.safetensors", {{"latents", latents}});

  const auto document = read_file(testing::source_folder() / "docs/public_weights.md");
  const std::string fence = "```python\n";
  const auto begin = document.find(fence, document.find("## Decode them in Python")) + fence.size();
  write_file(folder / "example.py", document.substr(begin, document.find("```", begin) - begin));
  const auto arguments = [&](const char* name) { return " '" + (folder / name).string() + "'"; };
  const auto run = testing::run_script(folder / "example.py",
                                       "'" + (testing::source_folder() / "scripts").string() + "'" +
                                           arguments("export") + arguments("latents.safetensors") +
                                           arguments("field.safetensors"));
  const bool lacks_torch = run.output.find("No module named 'torch'") != std::string::npos ||
                           run.output.find("No module named 'safetensors'") != std::string::npos;
  if (lacks_torch || run.code == testing::kPackageMissing) {
    GTEST_SKIP() << run.output;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  const checkpoint::SafetensorsFile example(folder / "field.safetensors");
  const auto field = vae->query_field(vae->decode(statistics->restore(latents)),
                                      example.read("points").expand({2, -1, -1}));
  const auto scale = std::max(1.0, field.abs().max().item<double>());
  EXPECT_LE((example.read("field") - field).abs().max().item<double>() / scale, kTolerance);
}

}  // namespace
}  // namespace moca::pretrained
