#include "moca/ops/rms_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::rms_norm_test {
namespace {

using testing::all_close;
using testing::bit_equal;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index = 0) {
  return at::randn(sizes, generator_for(7, "rms norm test", 0, index), at::TensorOptions());
}

// input, weight: the formula in double.
at::Tensor definition(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  const auto x = input.to(at::kDouble);
  return x / (x.square().mean(-1, true) + epsilon).sqrt() * weight.to(at::kDouble);
}

TEST(RmsNormOperator, IsTheFormulaForRowsOfAnyLengthAndLayout) {
  for (const int64_t K : {1, 7, 16, 64, 77, 500}) {
    const auto weight = draw({K}, 1);
    const auto heads = (draw({2, 5, 3, 2, K}) * 4).permute({3, 0, 2, 1, 4})[1];  // [2, 3, 5, K]
    for (const auto& input : {heads, heads.contiguous(), heads.transpose(0, 2), draw({K})}) {
      ASSERT_TRUE(rms_norm_applies(input, weight));
      const auto output = rms_norm(input, weight, 1e-6);
      EXPECT_TRUE(all_close(output.to(at::kDouble), definition(input, weight, 1e-6), 1e-6)) << K;
      const auto rounded = input.to(at::kBFloat16);
      const auto in_bf16 = rms_norm(rounded, weight, 1e-6);
      EXPECT_EQ(in_bf16.scalar_type(), at::kBFloat16);
      const auto expected = definition(rounded, weight, 1e-6);
      const auto difference = (in_bf16.to(at::kDouble) - expected).abs();
      EXPECT_TRUE((difference <= expected.abs() / 255).all().item<bool>()) << K;
    }
  }
}

TEST(RmsNormOperator, AddsEpsilonToTheMeanSquare) {
  const auto input = draw({4, 8}) * 1e-3, weight = at::ones({8});
  EXPECT_TRUE(all_close(rms_norm(input, weight, 1e-4).to(at::kDouble),
                        definition(input, weight, 1e-4), 1e-6));
  EXPECT_TRUE(bit_equal(rms_norm(at::zeros({2, 8}), weight, 1e-6), at::zeros({2, 8})));
}

TEST(RmsNormOperator, RefusesAWeightOfAnotherWidth) {
  EXPECT_THROW(rms_norm(draw({3, 8}), draw({7}), 1e-6), c10::Error);
}

TEST(RmsNormOperator, LeavesWhatIsNotFiniteInItsRow) {
  auto input = draw({3, 8});
  input[1][2] = NAN;
  const auto output = rms_norm(input, at::ones({8}), 1e-6);
  EXPECT_TRUE(output[1].isnan().all().item<bool>());
  EXPECT_EQ(output.isnan().sum().item<int64_t>(), 8);
}

TEST(RmsNormOperator, DoesNotApplyWhereAGradientIsWantedOrRowsAreStrided) {
  const auto input = draw({3, 8}), weight = at::ones({8});
  const auto trained = at::ones({8}).requires_grad_();
  EXPECT_FALSE(rms_norm_applies(input, trained));
  EXPECT_FALSE(rms_norm_applies(input.clone().requires_grad_(), weight));
  EXPECT_FALSE(rms_norm_applies(draw({8, 3}).t(), weight));
  EXPECT_FALSE(rms_norm_applies(input.to(at::kDouble), weight));
  EXPECT_FALSE(rms_norm_applies(input.narrow(0, 0, 0), weight));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(rms_norm_applies(input, trained));
}

}  // namespace
}  // namespace moca::ops::rms_norm_test
