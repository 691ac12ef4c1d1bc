#include "moca/nn/autocast.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace moca::nn {
namespace {

// The type in which a matrix product of floats comes out.
at::ScalarType product_type() {
  return at::matmul(at::ones({2, 2}), at::ones({2, 2})).scalar_type();
}

TEST(Autocast, RunsMatrixProductsInBf16AsLongAsItLives) {
  EXPECT_EQ(product_type(), at::kFloat);
  {
    const Autocast autocast(c10::kCPU, true);
    EXPECT_EQ(product_type(), at::kBFloat16);
  }
  EXPECT_EQ(product_type(), at::kFloat);
}

TEST(Autocast, DoesNothingWhenItIsNotEnabled) {
  const Autocast autocast(c10::kCPU, false);
  EXPECT_EQ(product_type(), at::kFloat);
}

TEST(Autocast, NestsAndEndsWithTheOutermost) {
  {
    const Autocast outer(c10::kCPU, true);
    {
      const Autocast inner(c10::kCPU, true);
      EXPECT_EQ(product_type(), at::kBFloat16);
    }
    EXPECT_EQ(product_type(), at::kBFloat16);
    {
      const Autocast off(c10::kCPU, false);
      EXPECT_EQ(product_type(), at::kBFloat16);
    }
    EXPECT_EQ(product_type(), at::kBFloat16);
  }
  EXPECT_EQ(product_type(), at::kFloat);
}

// Autograd keeps the cast weights of a step; the next step has other weights.
TEST(Autocast, CastsWeightsAnewInTheNextScope) {
  auto weight = at::ones({2, 2}).requires_grad_();
  const auto input = at::ones({2, 2});
  const auto product = [&] {
    const Autocast autocast(c10::kCPU, true);
    return at::linear(input, weight).to(at::kFloat);
  };
  EXPECT_TRUE(testing::bit_equal(product(), at::full({2, 2}, 2.0)));
  weight.detach().fill_(3.0);
  EXPECT_TRUE(testing::bit_equal(product(), at::full({2, 2}, 6.0)));
}

}  // namespace
}  // namespace moca::nn
