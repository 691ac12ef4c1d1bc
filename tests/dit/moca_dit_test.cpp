#include "moca/dit/moca_dit.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <optional>

#include "tests/dit/small_dit.h"
#include "tests/support/fixture.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

// The velocity that the model of `config` gives, without a gradient.
at::Tensor velocity_of(const DitConfig& config, const DitInput& input) {
  const torch::NoGradGuard no_grad;
  return make(config)(input);
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
    const DitInput alone = {input.noisy_latents.narrow(0, b, 1),
                            input.noise_level.narrow(0, b, 1),
                            input.component_ids.narrow(0, b, 1),
                            input.component_mask.narrow(0, b, 1),
                            {{.name = "image", .tokens = image_of(input).narrow(0, b, 1)}}};
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
  image_of(input).zero_();
  const auto expected = dit(input);
  input.conditions = {null_of(input.conditions[0])};
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

// Every switch of Table 3, and those beside it, against the full model.
TEST(MocaDit, EverySwitchChangesTheVelocity) {
  const auto input = make_input(2, 5);
  const auto full = velocity_of(small_config(), input);
  const std::vector<std::pair<const char*, void (*)(DitConfig&)>> switches = {
      {"A no routing", [](DitConfig& c) { c.router.num_selected = 0; }},
      {"B no compression", [](DitConfig& c) { c.attend_compressed = false; }},
      {"C gate on values", [](DitConfig& c) { c.router.gate_target = ops::GateTarget::kValue; }},
      {"no gate", [](DitConfig& c) { c.router.gate_target = ops::GateTarget::kNone; }},
      {"no gate on compressed tokens", [](DitConfig& c) { c.router.gate_compressed = false; }},
      {"D softmax", [](DitConfig& c) { c.router.activation = ops::RouterActivation::kSoftmax; }},
      {"F one routing for all heads", [](DitConfig& c) { c.router.per_head = false; }},
      {"compressed tokens pass in full",
       [](DitConfig& c) { c.compressed_tokens = CompressedTokens::kFull; }},
      {"other global blocks",
       [](DitConfig& c) {
         c.global_blocks = {0, 2};
       }},
      {"local blocks do not see the picture",
       [](DitConfig& c) { c.local_image_attention = false; }},
      {"global blocks do not see the picture",
       [](DitConfig& c) { c.global_image_attention = false; }}};
  for (const auto& [name, set] : switches) {
    auto config = small_config();
    set(config);
    EXPECT_FALSE(at::allclose(velocity_of(config, input), full)) << name;
  }
}

TEST(MocaDit, SeesNoiseLevelPictureAndIds) {
  const auto input = make_input(2, 3);
  const auto velocity = velocity_of(small_config(), input);
  const auto with = [&](auto&& set) {
    auto changed = input;
    set(changed);
    return change(velocity_of(small_config(), changed), velocity);
  };
  EXPECT_GT(with([](DitInput& i) { i.noise_level = 0.5 * i.noise_level; }), 1e-4);
  EXPECT_GT(with([](DitInput& i) { i.conditions[0].tokens = -i.conditions[0].tokens; }), 1e-4);
  EXPECT_GT(with([](DitInput& i) { i.component_ids = i.component_ids.flip(1); }), 1e-4);
}

TEST(MocaDit, ComponentsSeeOneAnotherThroughGlobalBlocksAlone) {
  const auto input = make_input(1, 3);
  auto changed = input;
  changed.noisy_latents = input.noisy_latents.clone();
  changed.noisy_latents[0][2].mul_(-1.0);
  const auto change_of_others = [&](const DitConfig& config) {
    return change(velocity_of(config, changed).narrow(1, 0, 2),
                  velocity_of(config, input).narrow(1, 0, 2));
  };
  auto config = small_config();
  EXPECT_GT(change_of_others(config), 1e-5);
  config.global_attention = GlobalAttentionKind::kDense;
  EXPECT_GT(change_of_others(config), 1e-5);
  config.global_attention = GlobalAttentionKind::kNone;
  EXPECT_EQ(change_of_others(config), 0.0);
}

TEST(MocaDit, WithoutPictureAttentionAnywhereThePictureChangesNothing) {
  auto config = small_config();
  config.local_image_attention = false;
  config.global_image_attention = false;
  const auto input = make_input(2, 3);
  auto changed = input;
  changed.conditions[0].tokens = -image_of(input);
  EXPECT_TRUE(bit_equal(velocity_of(config, changed), velocity_of(config, input)));
}

TEST(MocaDit, WithoutACodebookIdsChangeNothing) {
  auto config = small_config();
  config.codebook_size = 0;
  const auto input = make_input(2, 3);
  auto changed = input;
  changed.component_ids = input.component_ids.flip(1);
  EXPECT_TRUE(bit_equal(velocity_of(config, changed), velocity_of(config, input)));
}

TEST(MocaDit, ShowsEveryBlocksTokensWithoutChangingTheResult) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  const auto input = make_input(2, 3);
  std::vector<at::Tensor> block_outputs;
  const auto velocity = dit(input, std::nullopt, &block_outputs);
  ASSERT_EQ(block_outputs.size(), 5U);
  for (const auto& tokens : block_outputs) {  // time, vecset, M = 3 compressed, anchor
    EXPECT_EQ(tokens.sizes(), at::IntArrayRef({2, 3, 1 + kL + 3 + 1, 32}));
  }
  EXPECT_TRUE(bit_equal(dit(input), velocity));
}

// A dense model of a reference's size with its weights; components keep their ids' embedding.
class ReferenceDit : public testing::FixtureTest {
 protected:
  using FixtureTest::FixtureTest;

  MocaDit make_dit(const std::string& embedding, int64_t codebook_size) {
    const auto& model = description_.at("model");
    DitConfig config;
    config.width = model.at("width");
    config.num_heads = model.at("num_attention_heads");
    config.num_layers = model.at("num_layers");
    config.global_attention = GlobalAttentionKind::kDense;
    config.codebook_size = codebook_size;
    MocaDit dit(config, model.at("in_channels"),
                ConditionKinds{{"image", model.at("cross_attention_dim")}});
    testing::load_fixture_weights(*dit, *file_, "component_embedding", embedding);
    if (!embedding.empty()) {
      dit->named_parameters()["component_embedding.weight"].copy_(
          file_->read(embedding + ".weight"));
    }
    return dit;
  }

  const torch::NoGradGuard no_grad_;
};

class TripoSgFixture : public ReferenceDit {
 protected:
  TripoSgFixture() : ReferenceDit("dit_triposg") {}
};

INSTANTIATE_TEST_SUITE_P(From, TripoSgFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(TripoSgFixture, AgreesForOneComponent) {
  auto dit = make_dit("", 0);
  DitInput input_;
  input_.noisy_latents = input("hidden_states").unsqueeze(1);
  input_.noise_level = input("timestep") / 1000.0;
  input_.conditions = {{.name = "image", .tokens = input("encoder_hidden_states")}};
  const int64_t B = input_.noise_level.size(0);
  input_.component_ids = at::zeros({B, 1}, at::kLong);
  input_.component_mask = at::ones({B, 1}, at::kBool);
  EXPECT_TRUE(all_close(dit(input_).squeeze(1), output("sample"), 5e-5));
}

class PartCrafterFixture : public ReferenceDit {
 protected:
  PartCrafterFixture() : ReferenceDit("dit_partcrafter") {}
};

INSTANTIATE_TEST_SUITE_P(From, PartCrafterFixture, testing::both_origins(),
                         testing::name_of_origin);

TEST_P(PartCrafterFixture, AgreesForSeveralComponents) {
  auto dit = make_dit("part_embedding", 8);
  const auto counts = input("num_parts");
  const auto expected = output("train_sample");
  int64_t first = 0;
  for (int64_t asset = 0; asset < counts.size(0); ++asset) {
    const auto N = counts[asset].item<int64_t>();
    const auto rows = [&](const char* name) { return input(name).narrow(0, first, N); };
    DitInput asset_input;
    asset_input.noisy_latents = rows("hidden_states").unsqueeze(0);
    asset_input.noise_level = rows("timestep").narrow(0, 0, 1) / 1000.0;
    asset_input.conditions = {
        {.name = "image", .tokens = rows("encoder_hidden_states").narrow(0, 0, 1)}};
    asset_input.component_ids = at::arange(N).unsqueeze(0);
    asset_input.component_mask = at::ones({1, N}, at::kBool);
    EXPECT_TRUE(all_close(dit(asset_input)[0], expected.narrow(0, first, N), 5e-5))
        << "asset " << asset;
    first += N;
  }
}

TEST(ComponentIds, AreRefusedForMoreComponentsThanTheCodebookHolds) {
  EXPECT_EQ(testing::refusal([] { draw_component_ids(1, 51, 50, generator_for(0, "ids")); }),
            "an asset of 51 components needs as many distinct ids, but dit.codebook_size is 50. "
            "Use at most 50 components.");
}

TEST(ComponentIds, AreDistinctInAnAssetAndDrawnAnewForEach) {
  const auto ids = draw_component_ids(20, 32, 50, generator_for(0, "ids"));
  for (int64_t b = 0; b < 20; ++b) {
    EXPECT_EQ(std::get<0>(at::_unique(ids[b])).numel(), 32);
  }
  EXPECT_FALSE(at::equal(ids[0], ids[1]));
  EXPECT_TRUE(bit_equal(draw_component_ids(20, 32, 50, generator_for(0, "ids")), ids));
  EXPECT_GE(ids.min().item<int64_t>(), 0);
  EXPECT_LT(ids.max().item<int64_t>(), 50);
}

TEST(ComponentIds, AreAllTheSameWithoutACodebook) {
  EXPECT_TRUE(bit_equal(draw_component_ids(2, 60, 0, generator_for(0, "ids")),
                        at::zeros({2, 60}, at::kLong)));
}

TEST(ComponentIds, UseTheWholeCodebookEqually) {
  const auto ids = draw_component_ids(2000, 3, 10, generator_for(1, "ids"));
  const auto counts = at::bincount(ids.flatten(), {}, 10);
  EXPECT_EQ(counts.numel(), 10);
  EXPECT_LT((counts - 600).abs().max().item<double>(), 5 * std::sqrt(600.0));  // 5 sigma
}

TEST(MocaDit, ThePictureOfTheAssetForEveryComponentIsThePictureOfTheAsset) {
  const torch::NoGradGuard no_grad;
  auto dit = make(small_config());
  auto input = make_input(2, 3);
  input.component_mask[0][2] = false;
  const auto expected = dit->forward(input);
  input.conditions = {
      {.name = "image",
       .scope = ConditionScope::kComponent,
       .tokens = image_of(input).unsqueeze(1).expand({2, 3, kT, kImageWidth}).clone()}};
  EXPECT_TRUE(testing::all_close(dit->forward(input), expected, 1e-5));
  image_of(input)[1][0].add_(1.0);
  EXPECT_GT(change(dit->forward(input), expected), 1e-4);
}

}  // namespace
}  // namespace moca::dit
