#include "src/ops/tiled_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/ops/tiled_case.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::tiled_attention_test {
namespace {

using testing::all_close;
using testing::TiledCase;

TEST(TiledAttention, AttendsToTheSegmentsOfThePlanWithTheirGates) {
  for (const auto& [type, tolerance] :
       {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 1e-5)}) {
    const TiledCase tiled(type);
    const auto result = tiled_attention(tiled.input(), tiled.plan(), /*for_backward=*/true);
    EXPECT_TRUE(all_close(result.output, tiled.expected_output(), tolerance));
    EXPECT_TRUE(all_close(result.log_sum_exp, tiled.expected_log_sum_exp(), tolerance));
  }
}

TEST(TiledAttention, GivesTheSameOutputWithoutABackwardPass) {
  const TiledCase tiled(at::kFloat);
  const auto with = tiled_attention(tiled.input(), tiled.plan(), true);
  const auto without = tiled_attention(tiled.input(), tiled.plan(), false);
  EXPECT_TRUE(testing::bit_equal(without.output, with.output));
  EXPECT_FALSE(without.log_sum_exp.defined());
}

TEST(TiledAttention, LaysTheOutputOutAsTokens) {
  const TiledCase tiled(at::kFloat);
  EXPECT_TRUE(
      tiled_attention(tiled.input(), tiled.plan(), false).output.transpose(2, 3).is_contiguous());
}

TEST(TiledAttention, AppliesToOneTypeOnACpuWithAnEvenHeadWidth) {
  const auto zeros = [](int64_t K, at::ScalarType type) {
    return at::zeros({1, 1, 1, 2, K}, at::TensorOptions().dtype(type));
  };
  const auto floats = zeros(4, at::kFloat), doubles = zeros(4, at::kDouble);
  EXPECT_TRUE(tiles_apply(floats, floats, floats));
  EXPECT_TRUE(tiles_apply(doubles, doubles, doubles));
  EXPECT_FALSE(tiles_apply(floats, doubles, floats));
  EXPECT_FALSE(tiles_apply(zeros(3, at::kFloat), zeros(3, at::kFloat), zeros(3, at::kFloat)));
  EXPECT_FALSE(tiles_apply(zeros(4, at::kHalf), zeros(4, at::kHalf), zeros(4, at::kHalf)));
}

}  // namespace
}  // namespace moca::ops::tiled_attention_test
