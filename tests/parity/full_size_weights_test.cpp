#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "moca/checkpoint/module_state.h"
#include "moca/dit/moca_dit.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/vae/vecset_vae.h"
#include "tests/support/python_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_models.h"

// scripts/make_full_size_weights.py makes its key lists by rules; they must be our modules' names.
namespace moca {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

Shapes shapes_of(const torch::nn::Module& module) {
  Shapes shapes;
  for (const auto& [name, tensor] : checkpoint::state_of(module)) {
    shapes.emplace(name, tensor.sizes().vec());
  }
  return shapes;
}

// What the script lists for a model of this kind; empty where there is no Python.
Shapes listed(const std::string& kind, const nlohmann::json& config) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder / "config.json") << config;
  const auto run =
      testing::run_script("scripts/make_full_size_weights.py",
                          "--keys " + kind + " < " + (folder / "config.json").string());
  if (run.code == testing::kPackageMissing) {
    return {};
  }
  EXPECT_EQ(run.code, 0) << run.output;
  return nlohmann::json::parse(run.output).get<Shapes>();
}

constexpr const char* kNoPython = "no Python in .venv; run scripts/setup.sh";

TEST(FullSizeWeights, NameTheVaesTensors) {
  const auto config = testing::tiny_vae_config();
  const auto names = listed("vae", {{"latent_channels", config.latent_channels},
                                    {"width_encoder", config.width_encoder},
                                    {"width_decoder", config.width_decoder},
                                    {"num_layers_encoder", config.num_layers_encoder},
                                    {"num_layers_decoder", config.num_layers_decoder},
                                    {"num_frequencies", config.num_frequencies}});
  if (names.empty()) {
    GTEST_SKIP() << kNoPython;
  }
  EXPECT_EQ(names, shapes_of(*vae::VecsetVae(config)));
}

TEST(FullSizeWeights, NameTheDitsTensors) {
  const std::map<std::string, dit::GlobalAttentionKind> kinds = {
      {"moc", dit::GlobalAttentionKind::kMoc},
      {"dense", dit::GlobalAttentionKind::kDense},
      {"none", dit::GlobalAttentionKind::kNone}};
  for (const auto& [kind, global_attention] : kinds) {
    auto config = testing::tiny_dit_config();
    config.global_attention = global_attention;
    config.num_layers = 4;
    config.global_blocks = {1, 2};
    config.codebook_size = kind == "none" ? 0 : 8;
    auto names = listed("dit", {{"width", config.width},
                                {"num_heads", config.num_heads},
                                {"num_layers", config.num_layers},
                                {"global_attention", kind},
                                {"global_blocks", config.global_blocks},
                                {"num_compressed_tokens", config.num_compressed_tokens},
                                {"codebook_size", config.codebook_size},
                                {"router", {{"per_head", config.router.per_head}}},
                                {"latent_channels", 4},
                                {"image_width", 24}});
    if (names.empty()) {
      GTEST_SKIP() << kNoPython;
    }
    if (auto renamed = names.extract("part_embedding.weight")) {  // PartCrafter's name
      renamed.key() = "component_embedding.weight";
      names.insert(std::move(renamed));
    }
    EXPECT_EQ(names, shapes_of(*dit::MocaDit(config, 4, dit::ConditionKinds{{"image", 24}})))
        << kind;
  }
}

TEST(FullSizeWeights, NameTheImageEncodersTensors) {
  const auto config = testing::tiny_image_encoder_config();
  const auto names = listed("image_encoder", {{"num_channels", config.num_channels},
                                              {"patch_size", config.patch_size},
                                              {"width", config.width},
                                              {"num_layers", config.num_layers},
                                              {"position_grid", config.position_grid}});
  if (names.empty()) {
    GTEST_SKIP() << kNoPython;
  }
  EXPECT_EQ(names, shapes_of(*image_encoder::ImageEncoder(config)));
}

// Tensors and bytes of the public files (VAST-AI/TripoSG, as downloaders report them).
TEST(FullSizeWeights, HaveTheSizesOfThePublicFiles) {
  const auto run =
      testing::run_script("scripts/make_full_size_weights.py", "--check --model triposg");
  if (run.code == testing::kPackageMissing) {
    GTEST_SKIP() << kNoPython;
  }
  ASSERT_EQ(run.code, 0) << run.output;
  for (const char* expected : {"356 tensors, 242,662,017 parameters, 970,685,468 bytes",
                               "439 tensors, 304,368,640 parameters, 1,217,522,888 bytes",
                               "554 tensors, 1,439,556,160 parameters, 5,758,280,104 bytes"}) {
    EXPECT_NE(run.output.find(expected), std::string::npos) << expected << "\n" << run.output;
  }
}

}  // namespace
}  // namespace moca
