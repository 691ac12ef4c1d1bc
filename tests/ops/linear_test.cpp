#include "moca/ops/linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::linear_test {
namespace {

using testing::all_close;

// Few rows, few of a large weight, and many.
struct Sizes {
  int64_t rows, width_in, width_out;
};
constexpr Sizes kSizes[] = {{3, 8, 5}, {3, 130, 257}, {300, 128, 256}};

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(3, "linear test", index), at::TensorOptions());
}

TEST(Linear, IsTheLinearLayerInEveryTypeWithAndWithoutBias) {
  const torch::NoGradGuard no_grad;
  for (const auto& [rows, width_in, width_out] : kSizes) {
    const auto input = draw({2, rows, width_in}, 0);
    const auto weight = draw({width_out, width_in}, 1);
    for (const auto& bias : {at::Tensor(), draw({width_out}, 2)}) {
      for (const auto activation : {Activation::kNone, Activation::kGelu}) {
        auto expected = at::linear(input.to(at::kDouble), weight.to(at::kDouble),
                                   bias.defined() ? bias.to(at::kDouble) : bias);
        expected = activation == Activation::kGelu ? at::gelu(expected) : expected;
        EXPECT_TRUE(all_close(linear(input, weight, bias, activation), expected, 1e-6));
        const auto in_bf16 = linear(input.to(at::kBFloat16), weight.to(at::kBFloat16),
                                    bias.defined() ? bias.to(at::kBFloat16) : bias, activation);
        EXPECT_EQ(in_bf16.scalar_type(), at::kBFloat16);
        EXPECT_TRUE(all_close(in_bf16, expected, 1e-2));
      }
    }
  }
}

TEST(Linear, RecordsTheGradientWhereOneIsWanted) {
  const auto input = draw({300, 128}, 0);
  auto weight = draw({256, 128}, 1).requires_grad_();
  auto bias = draw({256}, 2).requires_grad_();
  const auto sum = linear(input, weight, bias, Activation::kGelu).sum();
  const auto expected = at::gelu(at::linear(input, weight, bias)).sum();
  const auto actual = torch::autograd::grad({sum}, {weight, bias});
  const auto reference = torch::autograd::grad({expected}, {weight, bias});
  EXPECT_TRUE(all_close(actual[0], reference[0], 1e-5));
  EXPECT_TRUE(all_close(actual[1], reference[1], 1e-5));
  // A bias alone that wants one is enough.
  const auto frozen = weight.detach();
  EXPECT_TRUE(linear(input, frozen, bias).requires_grad());
}

}  // namespace
}  // namespace moca::ops::linear_test
