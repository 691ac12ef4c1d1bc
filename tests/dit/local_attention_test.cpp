#include "src/dit/local_attention.h"

#include <gtest/gtest.h>

#include "moca/ops/attention.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

// Tokens of three components: 8 vecset tokens (with time), M = 3 compressed ones and the anchor.
class Local : public ::testing::Test {
 protected:
  static constexpr int64_t kNumAdded = 4;

  at::Tensor attend(const at::Tensor& tokens) {
    const torch::NoGradGuard no_grad;
    return LocalAttention(32, kNumAdded).forward({attention_}, tokens, {});
  }
  // The tokens with those of [first, first + count) changed.
  at::Tensor with_changed(int64_t first, int64_t count) const {
    auto changed = tokens_.clone();
    changed.narrow(1, first, count).mul_(-3.0).add_(1.0);
    return changed;
  }

  nn::Attention attention_ = small_attention();
  at::Tensor tokens_ = random_tensor({3, 12, 32});
};

TEST_F(Local, LeavesVecsetTokensBlindToTheAddedOnes) {
  const auto before = attend(tokens_);
  const auto after = attend(with_changed(8, 4));
  EXPECT_TRUE(bit_equal(after.narrow(1, 0, 8), before.narrow(1, 0, 8)));
  EXPECT_GT(change(after.narrow(1, 8, 4), before.narrow(1, 8, 4)), 1e-3);
}

TEST_F(Local, ShowsTheAnchorToNoOtherToken) {
  const auto before = attend(tokens_);
  const auto after = attend(with_changed(11, 1));
  EXPECT_TRUE(bit_equal(after.narrow(1, 0, 11), before.narrow(1, 0, 11)));
  EXPECT_GT(change(after.select(1, 11), before.select(1, 11)), 1e-3);
}

TEST_F(Local, ShowsCompressedTokensToOneAnotherAndToTheAnchor) {
  const auto before = attend(tokens_);
  const auto after = attend(with_changed(9, 1));
  for (const int64_t token : {8, 10, 11}) {
    EXPECT_GT(change(after.select(1, token), before.select(1, token)), 1e-4) << token;
  }
}

TEST_F(Local, ShowsVecsetTokensToAll) {
  const auto before = attend(tokens_);
  const auto after = attend(with_changed(0, 1));
  for (int64_t token = 0; token < 12; ++token) {
    EXPECT_GT(change(after.select(1, token), before.select(1, token)), 1e-4) << token;
  }
}

TEST_F(Local, StaysInsideItsComponent) {
  auto changed = tokens_.clone();
  changed[1].add_(2.0);
  const auto before = attend(tokens_);
  const auto after = attend(changed);
  EXPECT_TRUE(bit_equal(after[0], before[0]));
  EXPECT_TRUE(bit_equal(after[2], before[2]));
}

TEST_F(Local, OfVecsetTokensIsPlainSelfAttention) {
  const torch::NoGradGuard no_grad;
  const auto vecset = tokens_.narrow(1, 0, 8);
  const auto heads = attention_->project(vecset);
  const auto plain =
      attention_->project_output(ops::attention(heads.query, heads.key, heads.value));
  EXPECT_TRUE(all_close(attend(tokens_).narrow(1, 0, 8), plain, 1e-6));
  EXPECT_TRUE(bit_equal(LocalAttention(32, 0).forward({attention_}, vecset, {}), plain));
}

// The nested key ranges against the mask they stand for.
TEST_F(Local, IsAttentionUnderTheMaskOfTheThreeKindsOfTokens) {
  const torch::NoGradGuard no_grad;
  auto mask = at::zeros({12, 12}, at::kBool);
  mask.narrow(0, 0, 8).narrow(1, 0, 8).fill_(true);
  mask.narrow(0, 8, 3).narrow(1, 0, 11).fill_(true);
  mask.narrow(0, 11, 1).fill_(true);
  const auto heads = attention_->project(tokens_);
  const auto masked = at::scaled_dot_product_attention(heads.query, heads.key, heads.value, mask);
  EXPECT_TRUE(all_close(attend(tokens_), attention_->project_output(masked), 1e-5));
}

}  // namespace
}  // namespace moca::dit
