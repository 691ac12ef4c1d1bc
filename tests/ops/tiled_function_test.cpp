#include "src/ops/tiled_function.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "tests/ops/tiled_case.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::tiled_function_test {
namespace {

using testing::all_close;
using testing::TiledCase;

// The gates of the case's plan at their places: component j for the queries of i [B, N, H, N].
at::Tensor importance_of(const AttentionPlan& plan) {
  auto importance = at::zeros({TiledCase::kB, TiledCase::kN, TiledCase::kH, TiledCase::kN},
                              at::TensorOptions().dtype(at::kDouble));
  auto rows = importance.view({-1, TiledCase::kN});
  for (size_t row = 0; row < plan.segments.size(); ++row) {
    for (const auto& segment : plan.segments[row]) {
      rows[static_cast<int64_t>(row)][segment.component] = segment.key_gate * segment.value_gate;
    }
  }
  return importance;
}

TEST(TiledFunction, RecordsTheGradientsOfTensorsAndImportance) {
  const TiledCase tiled(at::kDouble);
  auto input = tiled.input();
  for (auto* tensor : {&input.query, &input.full.key, &input.full.value, &input.compressed.key,
                       &input.compressed.value}) {
    *tensor = tensor->detach().clone().requires_grad_();
  }
  const auto importance = importance_of(tiled.plan()).requires_grad_();
  const auto output = tiled_attention_recorded(input, importance, tiled.plan(), false);
  const auto of_output = at::ones_like(output);
  const auto found = torch::autograd::grad(
      {output}, {input.query, input.full.value, input.compressed.key, importance}, {of_output});
  const auto expected = tiled.expected_gradients(of_output);
  EXPECT_TRUE(all_close(output, tiled.expected_output(), 1e-12));
  EXPECT_TRUE(all_close(found[0], expected.query, 1e-11));
  EXPECT_TRUE(all_close(found[1], expected.value, 1e-11));
  EXPECT_TRUE(all_close(found[2], expected.compressed_key, 1e-11));
  // Every gated segment is of another component, so the sums of both are the same numbers.
  EXPECT_NEAR(found[3].sum().item<double>(), tiled.gated(expected.key_gates).sum().item<double>(),
              1e-10);
}

TEST(TiledFunction, GivesTheSameWithoutAGradient) {
  const TiledCase tiled(at::kFloat);
  const auto recorded = tiled_attention_recorded(tiled.input(), {}, tiled.plan(), false);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(testing::bit_equal(tiled_attention_recorded(tiled.input(), {}, tiled.plan(), false),
                                 recorded));
}

TEST(TiledFunction, ReadsRowsWhoseNumbersAreNotConsecutive) {
  const TiledCase tiled(at::kDouble);
  auto input = tiled.input();
  input.query = input.query.transpose(3, 4).contiguous().transpose(3, 4);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(all_close(tiled_attention_recorded(input, {}, tiled.plan(), false),
                        tiled.expected_output(), 1e-12));
}

TEST(InAutocastType, RoundsFloatsOnlyWhereAutocastIsOn) {
  const auto floats = at::ones({2}), doubles = at::ones({2}, at::kDouble);
  EXPECT_EQ(in_autocast_type(floats).scalar_type(), at::kFloat);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto rounded = in_autocast_type(floats), kept = in_autocast_type(doubles);
  const auto none = in_autocast_type({});
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  EXPECT_EQ(kept.scalar_type(), at::kDouble);
  EXPECT_FALSE(none.defined());
}

}  // namespace
}  // namespace moca::ops::tiled_function_test
