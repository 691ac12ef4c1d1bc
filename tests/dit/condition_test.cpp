#include "moca/dit/condition.h"

#include <gtest/gtest.h>

#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

constexpr int64_t kTextWidth = 6;

// A DiT that sees an image and a text.
MocaDit with_text() {
  torch::manual_seed(8);
  MocaDit dit(small_config(), kC, ConditionKinds{{"image", kImageWidth}, {"text", kTextWidth}});
  dit->eval();
  return dit;
}

TEST(Condition, OfFramesIsSeenAsTheirTokensOneAfterAnother) {
  auto dit = make(small_config());
  auto input = make_input(2, 3);
  const auto frames = random_tensor({2, 4, kT, kImageWidth});
  input.conditions = {{.name = "image", .tokens = frames.flatten(1, 2)}};
  const auto expected = velocity(dit, input);
  input.conditions = {{.name = "image", .scope = ConditionScope::kFrame, .tokens = frames}};
  EXPECT_TRUE(bit_equal(velocity(dit, input), expected));
}

// The scope says whose the tokens are, not their number: four frames, or a component's.
TEST(Condition, OfAsManyFramesAsComponentsIsNotTakenForTheComponents) {
  auto dit = make(small_config());
  auto input = make_input(2, 3);
  const auto tokens = random_tensor({2, 3, kT, kImageWidth});
  input.conditions = {{.name = "image", .scope = ConditionScope::kFrame, .tokens = tokens}};
  const auto of_frames = velocity(dit, input);
  input.conditions[0].scope = ConditionScope::kComponent;
  EXPECT_GT(change(velocity(dit, input), of_frames), 1e-4);
}

TEST(Condition, TokensThatTheMaskLeavesOutAreNotThere) {
  auto dit = make(small_config());
  for (const auto scope :
       {ConditionScope::kAsset, ConditionScope::kFrame, ConditionScope::kComponent}) {
    auto input = make_input(2, 3);
    const bool one_each = scope == ConditionScope::kAsset;
    const auto tokens =
        one_each ? random_tensor({2, kT, kImageWidth}) : random_tensor({2, 3, kT, kImageWidth});
    input.conditions = {{.name = "image", .scope = scope, .tokens = tokens.narrow(-2, 0, kT - 1)}};
    const auto expected = velocity(dit, input);
    input.conditions[0].tokens = tokens;
    auto mask = at::ones(tokens.sizes().slice(0, tokens.dim() - 1), at::kBool);
    mask.select(-1, kT - 1).fill_(false);
    input.conditions[0].token_mask = mask;
    EXPECT_TRUE(all_close(velocity(dit, input), expected, 1e-5)) << static_cast<int>(scope);
  }
}

TEST(Condition, DroppedIsTheNullFormOfThoseAssetsAlone) {
  const auto kept = at::tensor({1, 0}).to(at::kBool);
  Condition condition{.name = "image", .tokens = random_tensor({2, kT, kImageWidth})};
  EXPECT_FALSE(null_of(condition).tokens.defined());
  EXPECT_TRUE(bit_equal(dropped(condition, kept).tokens[0], condition.tokens[0]));
  EXPECT_TRUE(bit_equal(dropped(condition, kept).tokens[1], at::zeros({kT, kImageWidth})));
  condition.null_token = random_tensor({kImageWidth}, 5);
  const auto null = condition.null_token.expand({kT, kImageWidth});
  EXPECT_TRUE(bit_equal(null_of(condition).tokens[0], null));
  EXPECT_TRUE(bit_equal(dropped(condition, kept).tokens[0], condition.tokens[0]));
  EXPECT_TRUE(bit_equal(dropped(condition, kept).tokens[1], null));
}

TEST(Condition, ASecondKindHasItsOwnAttentionInEveryBlock) {
  auto dit = with_text();
  auto input = make_input(2, 3);
  const auto without = velocity(dit, input);
  input.conditions.push_back({.name = "text", .tokens = at::zeros({2, 2, kTextWidth})});
  EXPECT_TRUE(all_close(velocity(dit, input), without, 1e-6)) << "zeros, as where it is left out";
  input.conditions[1].tokens = random_tensor({2, 2, kTextWidth});
  const auto with = velocity(dit, input);
  EXPECT_GT(change(with, without), 1e-4);
  std::swap(input.conditions[0], input.conditions[1]);
  EXPECT_TRUE(bit_equal(velocity(dit, input), with)) << "known by its name, not its place";
  for (int64_t block = 0; block < small_config().num_layers; ++block) {
    const auto name = "blocks." + std::to_string(block) + ".attn_text.to_k.weight";
    EXPECT_NE(dit->named_parameters().find(name), nullptr) << name;
  }
}

TEST(Condition, OfAKindThatTheDitDoesNotHaveIsRefused) {
  auto dit = make(small_config());
  auto input = make_input(2, 3);
  input.conditions[0].name = "sound";
  EXPECT_THROW(velocity(dit, input), c10::Error);
}

}  // namespace
}  // namespace moca::dit
