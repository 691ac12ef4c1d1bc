#include "moca/dit/flop_count.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/dit/small_dit.h"
#include "tests/support/counted_flops.h"

namespace moca::dit {
namespace {

const DitSizes kSizes = {kL, kC, {{kT, kImageWidth}}};

// Pairs of a query and a key in attention inside a component: vecset tokens see one another,
// compressed ones also themselves, the anchor everything.
int64_t local_pairs(const DitConfig& config) {
  const bool moc = config.global_attention == GlobalAttentionKind::kMoc;
  const int64_t num_vecset = kL + 1, M = moc ? config.num_compressed_tokens : 0;
  const int64_t num_tokens = num_vecset + M + (moc ? 1 : 0);
  const auto kind = [&](int64_t token) {
    return token < num_vecset ? 0 : token < num_vecset + M ? 1 : 2;
  };
  int64_t pairs = 0;
  for (int64_t query = 0; query < num_tokens; ++query) {
    for (int64_t key = 0; key < num_tokens; ++key) {
      pairs += kind(key) <= kind(query) ? 1 : 0;
    }
  }
  return pairs;
}

// The same between the N components of an asset.
int64_t global_pairs(const DitConfig& config, int64_t N) {
  const int64_t num_vecset = kL + 1;
  int64_t pairs = 0;
  for (int64_t i = 0; i < N; ++i) {
    int64_t selected = config.router.num_selected;
    for (int64_t j = 0; j < N; ++j) {
      const bool dense = config.global_attention == GlobalAttentionKind::kDense;
      if (j == i || dense || selected-- > 0) {
        pairs += num_vecset * num_vecset;
      } else if (config.attend_compressed) {
        pairs += num_vecset * config.num_compressed_tokens;
      }
    }
  }
  return pairs;
}

double attention_flops_by_hand(const DitConfig& config, int64_t N) {
  const bool moc = config.global_attention == GlobalAttentionKind::kMoc;
  const int64_t num_vecset = kL + 1, num_added = moc ? config.num_compressed_tokens + 1 : 0;
  const bool full = config.compressed_tokens == CompressedTokens::kFull;
  int64_t pairs = N * num_added * kL;  // packing
  int64_t scores = 0;
  for (int64_t block = 0; block < config.num_layers; ++block) {
    const bool global = config.is_global(block);
    const int64_t updated = global && moc && !full ? num_vecset : num_vecset + num_added;
    pairs += N * updated * kT;
    pairs += global ? global_pairs(config, N) : 0;
    pairs += !global || (moc && full) ? N * local_pairs(config) : 0;
    scores += global && moc ? N * N : 0;
  }
  const int64_t routed = config.router.per_head ? config.width : config.width / config.num_heads;
  return static_cast<double>(4 * pairs * config.width + 2 * scores * routed);
}

void expect_counted(const DitConfig& config, const std::string& what) {
  at::set_num_threads(1);
  for (const int64_t N : {1, 2, 4}) {
    auto dit = make(config);
    const auto input = make_input(2, N);
    const double linear = testing::counted_linear_flops([&] { dit->forward(input); });
    EXPECT_DOUBLE_EQ(forward_flops(config, kSizes, {N, N}),
                     linear + 2 * attention_flops_by_hand(config, N))
        << what << ", N = " << N;
  }
}

TEST(FlopCount, IsWhatTheModelsLayersDo) {
  expect_counted(small_config(), "MoCA");
  for (const auto kind : {GlobalAttentionKind::kDense, GlobalAttentionKind::kNone}) {
    auto config = small_config();
    config.global_attention = kind;
    expect_counted(config, kind == GlobalAttentionKind::kDense ? "dense" : "none");
  }
}

TEST(FlopCount, FollowsEverySwitchOfTheAblations) {
  auto config = small_config();
  config.compressed_tokens = CompressedTokens::kFull;
  expect_counted(config, "full compressed tokens");
  config = small_config();
  config.attend_compressed = false;
  expect_counted(config, "without compressed tokens");
  config = small_config();
  config.router.per_head = false;
  expect_counted(config, "one routing for all heads");
  config = small_config();
  config.router.num_selected = 0;
  expect_counted(config, "nothing selected");
  config = small_config();
  config.global_blocks = {1, 3};
  expect_counted(config, "other global blocks");
}

TEST(FlopCount, PicturesOfComponentsAreProjectedOneByOne) {
  auto sizes = kSizes;
  sizes.conditions[0].scope = ConditionScope::kComponent;
  const auto config = small_config();
  const double more = forward_flops(config, sizes, {3}) - forward_flops(config, kSizes, {3});
  EXPECT_DOUBLE_EQ(more, 2.0 * 2.0 * kT * kImageWidth * 2 * 32 * 5);  // two more, five blocks
}

}  // namespace
}  // namespace moca::dit
