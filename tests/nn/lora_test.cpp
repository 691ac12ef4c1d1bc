#include "moca/nn/lora.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/nn/attention.h"
#include "moca/nn/layers.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"

namespace moca::nn {
namespace {

using testing::all_close;
using testing::bit_equal;

LoraConfig small_config(std::vector<std::string> targets) {
  LoraConfig config;
  config.rank = 3;
  config.alpha = 6;
  config.targets = std::move(targets);
  return config;
}

// An adapter that changes something: B is no longer zero.
void randomise_adapters(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(3);
  for (auto& item : module.named_parameters()) {
    if (item.key().find("lora_B") != std::string::npos) {
      item.value().normal_();
    }
  }
}

TEST(Lora, ScalesByAlphaOverRankOrItsRoot) {
  auto config = small_config({});
  EXPECT_EQ(config.scaling(), 2.0);
  config.rank_stabilised = true;
  EXPECT_EQ(config.scaling(), 6.0 / std::sqrt(3.0));
}

TEST(Lora, ChangesNothingUntilItIsTrained) {
  Linear layer(8, 5);
  const auto input = at::randn({4, 8});
  const auto before = layer(input);
  add_lora(*layer, 3, 2.0);
  EXPECT_TRUE(bit_equal(layer(input), before));
}

TEST(Lora, AddsScaledBATimesTheInput) {
  Linear layer(8, 5);
  const auto input = at::randn({4, 8});
  const auto plain = layer(input);
  add_lora(*layer, 3, 0.5);
  randomise_adapters(*layer);
  const auto parameters = layer->named_parameters();
  const auto low = at::mm(input, parameters["lora_A.weight"].t());
  const auto expected = plain + 0.5 * at::mm(low, parameters["lora_B.weight"].t());
  EXPECT_TRUE(all_close(layer(input), expected, 1e-6));
}

TEST(Lora, MergedIsTheSameLayerWithoutAdapter) {
  Linear layer(8, 5);
  add_lora(*layer, 2, 1.5);
  randomise_adapters(*layer);
  const auto input = at::randn({4, 8});
  const auto adapted = layer(input);
  merge_lora(*layer);
  EXPECT_FALSE(layer->adapter());
  EXPECT_EQ(layer->named_parameters().size(), 2U);
  EXPECT_TRUE(bit_equal(layer(input), adapted));
}

TEST(Lora, GradientsReachBothFactors) {
  Linear layer(8, 5);
  add_lora(*layer, 3, 2.0);
  randomise_adapters(*layer);
  layer(at::randn({4, 8})).square().sum().backward();
  for (const char* name : {"lora_A.weight", "lora_B.weight", "weight", "bias"}) {
    const auto gradient = layer->named_parameters()[name].grad();
    ASSERT_TRUE(gradient.defined()) << name;
    EXPECT_GT(gradient.abs().max().item<double>(), 0.0) << name;
  }
}

TEST(Lora, InAttentionReachesHeadsThatAreSplitAcrossTheProjections) {
  AttentionSizes sizes;
  sizes.width = 12;
  sizes.num_heads = 2;
  torch::manual_seed(1);
  Attention attention(sizes);
  const auto names = add_lora(*attention, small_config({"to_q", "to_v", "to_out.0"}));
  EXPECT_EQ(names, (std::vector<std::string>{"to_q", "to_v", "to_out.0"}));
  randomise_adapters(*attention);
  const auto tokens = at::randn({2, 5, 12});
  const auto adapted = attention->project(tokens);
  merge_lora(*attention);
  const auto merged = attention->project(tokens);
  EXPECT_TRUE(bit_equal(merged.query, adapted.query));
  EXPECT_TRUE(bit_equal(merged.key, adapted.key));
  EXPECT_TRUE(bit_equal(merged.value, adapted.value));
  EXPECT_EQ(attention->named_parameters().size(), 5U);  // no adapter is left
}

TEST(Lora, TargetsAreEndsOfNamesAtADot) {
  FeedForward layer(8);
  EXPECT_EQ(add_lora(*layer, small_config({"proj"})), std::vector<std::string>{"net.0.proj"});
  FeedForward other(8);
  const auto message = testing::refusal([&] { add_lora(*other, small_config({"net.2", "roj"})); });
  EXPECT_NE(message.find("no linear layer of the model is called 'roj'"), std::string::npos)
      << message;
}

TEST(Lora, TrainsTheAdapterInPlaceOfItsLayer) {
  FeedForward layer(8);
  add_lora(*layer, small_config({"net.2"}));
  freeze_adapted_layers(*layer);
  for (const auto& item : layer->named_parameters()) {
    const bool adapted = item.key().rfind("net.2.", 0) == 0;
    const bool adapter = item.key().find("lora_") != std::string::npos;
    EXPECT_EQ(item.value().requires_grad(), !adapted || adapter) << item.key();
  }
}

TEST(Lora, TrainsTheModulesThatAreNamedWholeBesideItsAdapters) {
  FeedForward layer(8);
  for (auto& parameter : layer->parameters()) {
    parameter.set_requires_grad(false);
  }
  auto config = small_config({"net.0.proj"});
  config.also_train = {"2"};
  train_beside_adapters(*layer, config);
  for (const auto& item : layer->named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), item.key().starts_with("net.2.")) << item.key();
  }
  config.also_train = {"net.5"};
  EXPECT_EQ(testing::refusal([&] { train_beside_adapters(*layer, config); }),
            "adapter.lora.also_train: no module with parameters is called 'net.5'. Name ends "
            "of module names, such as patch_embeddings.projection.");
}

}  // namespace
}  // namespace moca::nn
