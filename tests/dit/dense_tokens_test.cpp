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
      for (const int64_t L : {512, 1024}) {
        const int64_t per_query = 5 * L + (attends_rest ? (N - 5) * 64 : 0);
        const int64_t pairs = N * L * per_query;
        const int64_t found = dense_tokens_of_same_pairs(config, L, N);
        EXPECT_LE(N * found * N * found, pairs);
        EXPECT_GT(N * (found + 1) * N * (found + 1), pairs);
      }
    }
  }
}

TEST(DenseTokens, OfThePapersFirstPhaseAreHalf) {
  // 512 (5 512 + 27 64) / 32 = 68,608 = 261.9^2
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
