#include "src/dit/component_packing.h"

#include <gtest/gtest.h>

#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;

class Packing : public ::testing::Test {
 protected:
  Packing() {
    torch::manual_seed(8);
    packing_ = ComponentPacking(small_config());
  }
  at::Tensor pack(const at::Tensor& tokens) {
    const torch::NoGradGuard no_grad;
    return packing_(tokens);
  }

  ComponentPacking packing_{nullptr};
  at::Tensor tokens_ = random_tensor({4, kL, 32});
};

TEST_F(Packing, GivesMCompressedTokensAndAnAnchorWhateverTheNumberOfTokens) {
  EXPECT_EQ(pack(tokens_).sizes(), at::IntArrayRef({4, 4, 32}));
  EXPECT_EQ(pack(random_tensor({2, 50, 32})).sizes(), at::IntArrayRef({2, 4, 32}));
}

TEST_F(Packing, SeesAComponentAsASetOfTokens) {
  const auto order = at::tensor({6, 0, 5, 1, 4, 2, 3}, at::kLong);
  EXPECT_TRUE(all_close(pack(tokens_.index_select(1, order)), pack(tokens_), 1e-5));
}

TEST_F(Packing, PacksEachComponentByItself) {
  const auto together = pack(tokens_);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(all_close(pack(tokens_.narrow(0, i, 1))[0], together[i], 1e-5)) << i;
  }
}

TEST_F(Packing, GivesTokensThatDifferFromOneAnother) {
  const auto packed = pack(tokens_);
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      EXPECT_GT(change(packed.select(1, i), packed.select(1, j)), 1e-3) << i << " and " << j;
    }
  }
}

TEST_F(Packing, PutsTheAnchorLast) {
  const torch::NoGradGuard no_grad;
  const auto before = pack(tokens_);
  packing_->named_parameters()["anchor_query"].mul_(-2.0);
  const auto after = pack(tokens_);
  EXPECT_TRUE(testing::bit_equal(after.narrow(1, 0, 3), before.narrow(1, 0, 3)));
  EXPECT_GT(change(after.select(1, 3), before.select(1, 3)), 1e-4);
}

}  // namespace
}  // namespace moca::dit
