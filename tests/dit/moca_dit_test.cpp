#include "moca/dit/moca_dit.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/dit/local_attention.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

constexpr int64_t kL = 7, kC = 4, kT = 5, kImageWidth = 24;

DitConfig small_config() {
  DitConfig config;
  config.width = 32;
  config.num_heads = 4;
  config.num_layers = 5;
  config.num_compressed_tokens = 3;
  config.router.num_selected = 1;
  return config;
}

MocaDit make(const DitConfig& config) {
  torch::manual_seed(11);
  MocaDit dit(config, kC, kImageWidth);
  dit->eval();
  return dit;
}

DitInput make_input(int64_t B, int64_t N) {
  auto generator = generator_for(5, "dit test");
  const auto draw = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::TensorOptions());
  };
  DitInput input;
  input.noisy_latents = draw({B, N, kL, kC});
  input.noise_level = at::rand({B}, generator, at::TensorOptions());
  input.image_tokens = draw({B, kT, kImageWidth});
  input.component_ids = draw_component_ids(B, N, 50, generator);
  input.component_mask = at::ones({B, N}, at::kBool);
  return input;
}

TEST(MocaDit, PermutingComponentsWithTheirIdsPermutesTheVelocity) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  const auto input = make_input(2, 5);
  const auto order = at::tensor({3, 0, 4, 1, 2}, at::kLong);
  auto permuted = input;
  permuted.noisy_latents = input.noisy_latents.index_select(1, order);
  permuted.component_ids = input.component_ids.index_select(1, order);
  EXPECT_TRUE(all_close(dit(permuted), dit(input).index_select(1, order), 1e-5));
}

TEST(MocaDit, AbsentComponentsChangeNothingBitForBit) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  auto input = make_input(2, 4);
  input.component_mask[0][3].fill_(false);
  const auto expected = dit(input);
  auto padded = input;  // two more absent ones, and garbage in all that are absent
  const double nan = std::numeric_limits<double>::quiet_NaN();
  padded.noisy_latents = at::cat({input.noisy_latents, at::full({2, 2, kL, kC}, nan)}, 1);
  padded.noisy_latents[0][3].fill_(nan);
  padded.component_ids = at::cat({input.component_ids, at::zeros({2, 2}, at::kLong)}, 1);
  padded.component_mask = at::cat({input.component_mask, at::zeros({2, 2}, at::kBool)}, 1);
  const auto actual = dit(padded);
  EXPECT_TRUE(bit_equal(actual.narrow(1, 0, 4), expected));
  EXPECT_EQ(actual.narrow(1, 4, 2).abs().max().item<double>(), 0.0);
  EXPECT_EQ(actual[0][3].abs().max().item<double>(), 0.0);
}

TEST(MocaDit, EachAssetOfABatchIsByItself) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  auto input = make_input(3, 4);
  input.component_mask[1][2].fill_(false);
  input.component_mask[1][3].fill_(false);
  const auto together = dit(input);
  for (int64_t b = 0; b < 3; ++b) {
    const DitInput alone = {input.noisy_latents.narrow(0, b, 1), input.noise_level.narrow(0, b, 1),
                            input.image_tokens.narrow(0, b, 1), input.component_ids.narrow(0, b, 1),
                            input.component_mask.narrow(0, b, 1)};
    EXPECT_TRUE(all_close(dit(alone)[0], together[b], 1e-5)) << "asset " << b;
  }
}

// Copies what the dense model has into the MoCA model.
void copy_shared_weights(MocaDit& from, MocaDit& to) {
  const torch::NoGradGuard no_grad;
  auto targets = to->named_parameters();
  for (const auto& item : from->named_parameters()) {
    targets[item.key()].copy_(item.value());
  }
}

TEST(MocaDit, WithEveryOtherSelectedAndGatesOneIsTheDenseBaseline) {
  const torch::NoGradGuard no_grad;
  auto dense_config = small_config();
  dense_config.global_attention = GlobalAttentionKind::kDense;
  auto moc_config = small_config();
  moc_config.router.num_selected = 4;
  moc_config.router.gate_target = ops::GateTarget::kNone;
  auto dense = make(dense_config);
  auto moc = make(moc_config);
  copy_shared_weights(dense, moc);
  const auto input = make_input(2, 5);
  EXPECT_TRUE(all_close(moc(input), dense(input), 1e-5));
}

TEST(MocaDit, TheNullConditionIsZeroImageTokens) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  auto input = make_input(2, 3);
  input.image_tokens.zero_();
  const auto expected = dit(input);
  input.image_tokens = at::Tensor();
  EXPECT_TRUE(all_close(dit(input), expected, 1e-6));
}

TEST(MocaDit, StochasticRoutingFollowsItsGeneratorInTrainingOnly) {
  auto config = small_config();
  auto dit = make(config);
  const auto input = make_input(1, 6);
  const auto run = [&](uint64_t seed) { return dit(input, generator_for(seed, "routing")); };
  EXPECT_TRUE(at::equal(run(0), run(1)));
  dit->train();
  EXPECT_TRUE(at::equal(run(0), run(0)));
  EXPECT_FALSE(at::equal(run(0), run(1)));
}

TEST(MocaDit, EveryParameterGetsAGradient) {
  for (const auto compressed : {CompressedTokens::kKeysOnly, CompressedTokens::kFull}) {
    auto config = small_config();
    config.compressed_tokens = compressed;
    config.num_layers = 4;
    auto dit = make(config);
    dit->train();
    dit(make_input(2, 4), generator_for(0, "routing")).square().sum().backward();
    for (const auto& item : dit->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
    }
  }
}

TEST(MocaDit, EveryAblationOfTable3ChangesTheVelocity) {
  const torch::NoGradGuard no_grad;
  const auto input = make_input(2, 5);
  const auto full = make(small_config())(input);
  std::vector<std::pair<const char*, DitConfig>> variants(5, {"", small_config()});
  variants[0].first = "A no routing";
  variants[0].second.router.num_selected = 0;
  variants[1].first = "B no compression";
  variants[1].second.attend_compressed = false;
  variants[2].first = "C gate on values";
  variants[2].second.router.gate_target = ops::GateTarget::kValue;
  variants[3].first = "D softmax";
  variants[3].second.router.activation = ops::RouterActivation::kSoftmax;
  variants[4].first = "F one routing for all heads";
  variants[4].second.router.per_head = false;
  for (const auto& [name, config] : variants) {
    EXPECT_FALSE(at::allclose(make(config)(input), full)) << name;
  }
}

TEST(MocaDit, AgreesWithTripoSGForOneComponent) {
  const auto path = testing::fixture_file("dit_triposg");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no fixture at " << path;
  }
  const checkpoint::SafetensorsFile file(path);
  DitConfig config;
  config.width = 64;
  config.num_heads = 4;
  config.num_layers = 5;
  config.global_attention = GlobalAttentionKind::kDense;
  MocaDit dit(config, 8, 48);
  testing::load_fixture_weights(*dit, file, "component_embedding");
  const torch::NoGradGuard no_grad;
  dit->named_parameters()["component_embedding.weight"].zero_();
  DitInput input;
  input.noisy_latents = file.read("inputs/hidden_states").unsqueeze(1);
  input.noise_level = file.read("inputs/timestep") / 1000.0;
  input.image_tokens = file.read("inputs/encoder_hidden_states");
  input.component_ids = at::zeros({3, 1}, at::kLong);
  input.component_mask = at::ones({3, 1}, at::kBool);
  EXPECT_TRUE(all_close(dit(input).squeeze(1), file.read("outputs/sample"), 5e-5));
}

TEST(MocaDit, AgreesWithPartCrafterForSeveralComponents) {
  const auto path = testing::fixture_file("dit_partcrafter");
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "no fixture at " << path;
  }
  const checkpoint::SafetensorsFile file(path);
  DitConfig config;
  config.width = 64;
  config.num_heads = 4;
  config.num_layers = 5;
  config.global_attention = GlobalAttentionKind::kDense;
  config.codebook_size = 8;
  MocaDit dit(config, 8, 48);
  testing::load_fixture_weights(*dit, file, "component_embedding", "part_embedding");
  const torch::NoGradGuard no_grad;
  dit->named_parameters()["component_embedding.weight"].copy_(file.read("part_embedding.weight"));
  const auto counts = file.read("inputs/num_parts");
  const auto expected = file.read("outputs/train_sample");
  int64_t first = 0;
  for (int64_t asset = 0; asset < counts.size(0); ++asset) {
    const auto N = counts[asset].item<int64_t>();
    const auto rows = [&](const char* name) { return file.read(name).narrow(0, first, N); };
    DitInput input;
    input.noisy_latents = rows("inputs/hidden_states").unsqueeze(0);
    input.noise_level = rows("inputs/timestep").narrow(0, 0, 1) / 1000.0;
    input.image_tokens = rows("inputs/encoder_hidden_states").narrow(0, 0, 1);
    input.component_ids = at::arange(N).unsqueeze(0);
    input.component_mask = at::ones({1, N}, at::kBool);
    EXPECT_TRUE(all_close(dit(input)[0], expected.narrow(0, first, N), 5e-5)) << "asset " << asset;
    first += N;
  }
}

TEST(MocaDit, RefusesMoreComponentsThanItsCodebookHolds) {
  try {
    draw_component_ids(1, 51, 50, generator_for(0, "ids"));
    FAIL() << "51 components were accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "an asset of 51 components needs as many distinct ids, but dit.codebook_size is 50. "
        "Use at most 50 components.");
  }
}

TEST(MocaDit, DrawsDistinctIdsForEveryAsset) {
  const auto ids = draw_component_ids(20, 32, 50, generator_for(0, "ids"));
  for (int64_t b = 0; b < 20; ++b) {
    EXPECT_EQ(std::get<0>(at::_unique(ids[b])).numel(), 32);
  }
  EXPECT_FALSE(at::equal(ids[0], ids[1]));
}

TEST(LocalAttention, LeavesVecsetTokensBlindToTheAddedOnes) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  nn::AttentionSizes sizes;
  sizes.width = 32;
  sizes.num_heads = 4;
  sizes.normed_heads = true;
  nn::Attention attention(sizes);
  const auto tokens = at::randn({3, 12, 32}, generator_for(0, "tokens"), at::TensorOptions());
  auto changed = tokens.clone();
  changed.narrow(1, 8, 4).mul_(-3.0).add_(1.0);
  const auto before = local_attention(attention, tokens, 4);
  const auto after = local_attention(attention, changed, 4);
  EXPECT_TRUE(bit_equal(after.narrow(1, 0, 8), before.narrow(1, 0, 8)));
  EXPECT_FALSE(at::allclose(after.narrow(1, 8, 4), before.narrow(1, 8, 4)));
}

TEST(LocalAttention, ShowsTheAnchorToNoOtherToken) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  nn::AttentionSizes sizes;
  sizes.width = 32;
  sizes.num_heads = 4;
  nn::Attention attention(sizes);
  const auto tokens = at::randn({1, 12, 32}, generator_for(0, "tokens"), at::TensorOptions());
  auto changed = tokens.clone();
  changed.select(1, 11).add_(2.0);
  EXPECT_TRUE(bit_equal(local_attention(attention, changed, 4).narrow(1, 0, 11),
                        local_attention(attention, tokens, 4).narrow(1, 0, 11)));
}

}  // namespace
}  // namespace moca::dit
