#include "moca/pretrained/lora_adapter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/module_state.h"
#include "moca/core/file_io.h"
#include "moca/image_encoder/image_encoder.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

using image_encoder::ImageEncoder;
using testing::bit_equal;
using testing::refusal;
using testing::TemporaryFolder;

ImageEncoder make_encoder() {
  torch::manual_seed(1);
  ImageEncoder encoder(testing::tiny_image_encoder_config());
  encoder->eval();
  return encoder;
}

nn::LoraConfig config_for_attention() {
  nn::LoraConfig config;
  config.rank = 2;
  config.alpha = 5;
  config.targets = {"query", "value", "fc1"};
  return config;
}

// An encoder with an adapter that was trained: B is not zero.
ImageEncoder adapted_encoder() {
  auto encoder = make_encoder();
  nn::add_lora(*encoder, config_for_attention());
  const torch::NoGradGuard no_grad;
  for (auto& item : encoder->named_parameters()) {
    if (item.key().find("lora_B") != std::string::npos) {
      item.value().normal_();
    }
  }
  return encoder;
}

// The adapters in a new folder as peft writes them.
void write_adapter(const torch::nn::Module& module, const nn::LoraConfig& config,
                   const std::filesystem::path& folder) {
  checkpoint::NamedTensors adapters;
  for (const auto& [name, tensor] : checkpoint::state_of(module)) {
    if (name.find(".lora_") != std::string::npos) {
      adapters.emplace_back("base_model.model." + name, tensor);
    }
  }
  std::filesystem::create_directory(folder);
  checkpoint::write_safetensors(folder / "adapter_model.safetensors", adapters);
  const nlohmann::json json = {{"peft_type", "LORA"},        {"r", config.rank},
                               {"lora_alpha", config.alpha}, {"use_rslora", config.rank_stabilised},
                               {"use_dora", false},          {"bias", "none"},
                               {"modules_to_save", nullptr}, {"target_modules", config.targets}};
  write_file(folder / "adapter_config.json", json.dump(2));
}

TEST(LoraAdapter, IsLoadedFromPeftsFilesAndMergesIntoTheSameModel) {
  const torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  auto encoder = adapted_encoder();
  write_adapter(*encoder, config_for_attention(), folder / "adapter");
  auto other = make_encoder();
  const auto config = load_lora(*other, folder / "adapter");
  EXPECT_EQ(config.rank, 2);
  EXPECT_EQ(config.scaling(), 2.5);
  const auto picture = at::randn({1, 3, 16, 16});
  EXPECT_TRUE(bit_equal(other(picture), encoder(picture)));
  EXPECT_FALSE(at::equal(other(picture), make_encoder()(picture)));
  nn::merge_lora(*other);
  EXPECT_TRUE(bit_equal(other(picture), encoder(picture)));
  EXPECT_EQ(other->named_parameters().size(), make_encoder()->named_parameters().size());
}

TEST(LoraAdapter, WithOptionsWeLackIsRefusedByName) {
  const TemporaryFolder folder;
  write_adapter(*adapted_encoder(), config_for_attention(), folder / "adapter");
  const auto file = folder / "adapter/adapter_config.json";
  const auto original = read_file(file);
  const auto load_with = [&](const std::string& from, const std::string& to) {
    auto text = original;
    text.replace(text.find(from), from.size(), to);
    write_file(file, text);
    auto encoder = make_encoder();
    return refusal([&] { load_lora(*encoder, folder / "adapter"); });
  };
  EXPECT_NE(load_with("\"use_dora\": false", "\"use_dora\": true").find("use_dora is true"),
            std::string::npos);
  EXPECT_NE(load_with("\"bias\": \"none\"", "\"bias\": \"all\"").find("bias is \"all\""),
            std::string::npos);
  EXPECT_NE(load_with("\"LORA\"", "\"IA3\"").find("peft_type is \"IA3\""), std::string::npos);
  EXPECT_NE(load_with("\"r\": 2", "\"r\": 0").find("r is 0"), std::string::npos);
  EXPECT_NE(load_with("\"r\": 2", "\"r\": 3").find("lora_A"), std::string::npos);  // shapes differ
  EXPECT_NE(load_with("\"query\"", "\"quarry\"").find("called 'quarry'"), std::string::npos);
}

}  // namespace
}  // namespace moca::pretrained
