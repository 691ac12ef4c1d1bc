#include "moca/dit/dense_tokens.h"

#include <gtest/gtest.h>

#include "tests/support/refusal.h"

namespace moca::dit {
namespace {

DitConfig paper_config() {
  DitConfig config;
  config.num_compressed_tokens = 64;
  config.router.num_selected = 4;
  return config;
}

TEST(DenseTokens, AreAllTokensWhereMocAttendsToEveryoneInFull) {
  for (const int64_t N : {1, 2, 5}) {
    EXPECT_EQ(dense_tokens_of_same_pairs(paper_config(), 512, N), 512) << N;
  }
}

TEST(DenseTokens, AreTheMostWhosePairsFitIntoMocs) {
  for (const bool attends_rest : {true, false}) {
    auto config = paper_config();
    config.attend_compressed = attends_rest;
    for (const int64_t N : {6, 8, 16, 32}) {
      for (const int64_t L : {16, 512, 1024}) {
        const int64_t per_query = 5 * (L + 1) + (attends_rest ? (N - 5) * 64 : 0);
        const int64_t pairs = N * (L + 1) * per_query;
        const int64_t vecset = dense_tokens_of_same_pairs(config, L, N) + 1;
        EXPECT_LE(N * vecset * N * vecset, pairs);
        EXPECT_GT(N * (vecset + 1) * N * (vecset + 1), pairs);
      }
    }
  }
}

TEST(DenseTokens, OfThePapersFirstPhaseAreHalf) {
  // 513 (5 513 + 27 64) / 32 = 68,822 = 262.3^2, one of them the time token
  EXPECT_EQ(dense_tokens_of_same_pairs(paper_config(), 512, 32), 261);
}

TEST(DenseTokens, ForMocAreRefused) {
  auto config = paper_config();
  config.dense_tokens = DenseTokens::kSamePairs;
  EXPECT_EQ(testing::refusal([&] { config.validate("dit"); }),
            "dit.dense_tokens is same_pairs, but dit.global_attention is not dense: set it to "
            "dense, or leave dense_tokens out.");
  config.global_attention = GlobalAttentionKind::kDense;
  config.validate("dit");
}

}  // namespace
}  // namespace moca::dit
