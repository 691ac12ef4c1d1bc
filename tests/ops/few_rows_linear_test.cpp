#include "src/ops/few_rows_linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::few_rows_linear_test {
namespace {

using testing::all_close;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(12, "few rows test", 0, index), at::TensorOptions());
}

TEST(FewRowsLinear, IsTheLinearLayerInEveryTypeAndNumberOfRows) {
  const torch::NoGradGuard no_grad;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto weight = draw({192, 96}, 0).to(type), bias = draw({192}, 1).to(type);
    for (const int64_t rows : {1, 3, 16}) {
      const auto input = draw({rows, 96}, 2).to(type);
      if (!few_rows_apply(input, weight)) {
        GTEST_SKIP() << "this processor has no product of " << type;
      }
      const auto expected = at::linear(input.to(at::kDouble), weight.to(at::kDouble));
      const double tolerance = type == at::kFloat ? 1e-5 : 1e-2;
      EXPECT_TRUE(all_close(few_rows_product(input, weight), expected, 1e-5));
      for (const bool gelu : {false, true}) {
        const auto sum = expected + bias.to(at::kDouble);
        const auto output = few_rows_linear(input, weight, bias, gelu);
        EXPECT_EQ(output.scalar_type(), type);
        EXPECT_TRUE(all_close(output, gelu ? at::gelu(sum) : sum, tolerance));
      }
      EXPECT_TRUE(all_close(few_rows_linear(input, weight, {}, false), expected, tolerance));
    }
  }
}

TEST(FewRowsLinear, KeepsTheLeadingAxes) {
  const auto input = draw({2, 3, 128}, 0), weight = draw({160, 128}, 1);
  const auto output = few_rows_product(input, weight);
  EXPECT_EQ(output.sizes(), at::IntArrayRef({2, 3, 160}));
  EXPECT_TRUE(all_close(output, at::linear(input, weight), 1e-5));
}

TEST(FewRowsLinear, AppliesToNoMoreThanSixteenRowsAndToNoSmallWeight) {
  const torch::NoGradGuard no_grad;
  const auto weight = draw({160, 128}, 1);
  EXPECT_TRUE(few_rows_apply(draw({16, 128}, 0), weight));
  EXPECT_TRUE(few_rows_apply(draw({4, 4, 128}, 0), weight));
  EXPECT_FALSE(few_rows_apply(draw({17, 128}, 0), weight));
  EXPECT_FALSE(few_rows_apply(draw({0, 128}, 0), weight));
  EXPECT_FALSE(few_rows_apply(draw({4, 128}, 0), draw({16, 128}, 1)));
  EXPECT_FALSE(few_rows_apply(draw({4, 128}, 0), draw({128, 160}, 1).t()));
}

}  // namespace
}  // namespace moca::ops::few_rows_linear_test
