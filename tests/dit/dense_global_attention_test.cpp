#include "src/dit/dense_global_attention.h"

#include <gtest/gtest.h>

#include "moca/ops/attention.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

// Two assets of two components each.
at::Tensor attend(const at::Tensor& tokens) {
  const torch::NoGradGuard no_grad;
  const auto layout = std::make_shared<const ComponentLayout>(at::ones({2, 2}, at::kBool));
  return DenseGlobalAttention(32).forward({small_attention()}, tokens, {layout});
}

TEST(DenseGlobal, IsSelfAttentionOfAllTokensOfAnAssetAtOnce) {
  const torch::NoGradGuard no_grad;
  const auto tokens = random_tensor({4, 6, 32});
  auto attention = small_attention();
  const auto heads = attention->project(tokens.view({2, 12, 32}));
  const auto expected =
      attention->project_output(ops::attention(heads.query, heads.key, heads.value));
  EXPECT_TRUE(all_close(attend(tokens), expected.view({4, 6, 32}), 1e-5));
}

TEST(DenseGlobal, SeesNothingOfAnotherAsset) {
  const auto tokens = random_tensor({4, 6, 32});
  auto changed = tokens.clone();
  changed[3].add_(1.0);
  EXPECT_TRUE(bit_equal(attend(changed).narrow(0, 0, 2), attend(tokens).narrow(0, 0, 2)));
  EXPECT_GT(change(attend(changed)[2], attend(tokens)[2]), 1e-4);
}

}  // namespace
}  // namespace moca::dit
