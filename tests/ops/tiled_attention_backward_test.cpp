#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <utility>

#include "src/ops/tiled_attention.h"
#include "tests/ops/tiled_case.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::tiled_attention_backward_test {
namespace {

using testing::all_close;
using testing::TiledCase;

TEST(TiledAttentionBackward, GivesTheGradientsOfTheFormulaIncludingTheGates) {
  for (const auto& [type, tolerance] :
       {std::pair(at::kDouble, 1e-11), std::pair(at::kFloat, 2e-5)}) {
    const TiledCase tiled(type);
    const auto gradient =
        tiled.draw({TiledCase::kB, TiledCase::kN, TiledCase::kH, TiledCase::kS, TiledCase::kK});
    const auto expected = tiled.expected_gradients(gradient);
    const auto forward = tiled_attention(tiled.input(), tiled.plan(), /*for_backward=*/true);
    const auto found = tiled_attention_backward(tiled.input(), tiled.plan(), forward, gradient);
    EXPECT_TRUE(all_close(found.query, expected.query, tolerance));
    EXPECT_TRUE(all_close(found.full.key, expected.key, tolerance));
    EXPECT_TRUE(all_close(found.full.value, expected.value, tolerance));
    EXPECT_TRUE(all_close(found.compressed.key, expected.compressed_key, tolerance));
    EXPECT_TRUE(all_close(found.compressed.value, expected.compressed_value, tolerance));
    EXPECT_TRUE(
        all_close(tiled.gated(found.key_gates), tiled.gated(expected.key_gates), tolerance));
    EXPECT_TRUE(
        all_close(tiled.gated(found.value_gates), tiled.gated(expected.value_gates), tolerance));
  }
}

TEST(TiledAttentionBackward, GivesZeroToKeysThatNobodyAttendsTo) {
  const TiledCase tiled(at::kFloat);
  auto plan = tiled.plan();
  for (auto& segments : plan.segments) {
    segments = {Segment{false, 0}};
  }
  const auto forward = tiled_attention(tiled.input(), plan, true);
  const auto found =
      tiled_attention_backward(tiled.input(), plan, forward, at::ones_like(forward.output));
  EXPECT_EQ(found.full.key.narrow(1, 1, TiledCase::kN - 1).abs().max().item<float>(), 0.0F);
  EXPECT_EQ(found.compressed.value.abs().max().item<float>(), 0.0F);
  EXPECT_GT(found.full.value.select(1, 0).abs().max().item<float>(), 0.0F);
}

}  // namespace
}  // namespace moca::ops::tiled_attention_backward_test
