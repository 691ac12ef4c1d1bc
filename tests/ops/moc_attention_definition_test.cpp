#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::moc_attention_definition_test {
namespace {

using testing::all_close;

constexpr int64_t kL = 5, kM = 3, kK = 4;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return testing::on_device(at::randn(sizes, generator_for(4, "definition", 0, index),
                                      at::TensorOptions().dtype(at::kDouble)));
}

// Eq. 6-8 for one head, by name: component 0 attends to itself, to component 2 in full and to the
// compressed tokens of component 1.
TEST(MocDefinition, IsTheSoftmaxOverOwnSelectedAndCompressedTokensWithTheirGates) {
  const auto query = draw({1, 3, 1, kL, kK}, 0), key = draw({1, 3, 1, kL, kK}, 1);
  const auto value = draw({1, 3, 1, kL, kK}, 2), compressed_key = draw({1, 3, 1, kM, kK}, 3);
  const auto compressed_value = draw({1, 3, 1, kM, kK}, 4);
  MocPlan plan;
  plan.backend = MocBackend::kDefinition;
  plan.routing.importance = draw({1, 3, 1, 3}, 5).sigmoid();
  plan.routing.selected = testing::on_device(at::tensor({2, 0, 1}, at::kLong)).view({1, 3, 1, 1});
  plan.routing.rest = testing::on_device(at::tensor({1, 2, 0}, at::kLong)).view({1, 3, 1, 1});
  const auto gate_of = [&](int64_t j) { return plan.routing.importance[0][0][0][j]; };
  for (const auto target : {GateTarget::kKey, GateTarget::kValue, GateTarget::kNone}) {
    plan.gate_target = target;
    const auto gated = [&](const at::Tensor& tokens, int64_t j, GateTarget of) {
      return target == of ? tokens[0][j][0] * gate_of(j) : tokens[0][j][0];
    };
    const auto keys = at::cat({key[0][0][0], gated(key, 2, GateTarget::kKey),
                               gated(compressed_key, 1, GateTarget::kKey)});
    const auto values = at::cat({value[0][0][0], gated(value, 2, GateTarget::kValue),
                                 gated(compressed_value, 1, GateTarget::kValue)});
    const auto weights = (at::matmul(query[0][0][0], keys.t()) / 2.0).softmax(-1);  // sqrt(K)
    const auto output = moc_attention(query, key, value, compressed_key, compressed_value, plan);
    EXPECT_TRUE(all_close(output[0][0][0], at::matmul(weights, values), 1e-12));
  }
}

TEST(MocDefinition, LeavesTheCompressedTokensUngatedWhereThePlanSaysSo) {
  const auto query = draw({1, 2, 1, kL, kK}, 0), compressed = draw({1, 2, 1, kM, kK}, 1);
  MocPlan plan;
  plan.backend = MocBackend::kDefinition;
  plan.gate_compressed = false;
  plan.routing.importance = draw({1, 2, 1, 2}, 2).sigmoid();
  plan.routing.selected = testing::on_device(at::zeros({1, 2, 1, 0}, at::kLong));
  plan.routing.rest = testing::on_device(at::tensor({1, 0}, at::kLong)).view({1, 2, 1, 1});
  const auto ungated = moc_attention(query, query, query, compressed, compressed, plan);
  plan.routing.importance = at::ones_like(plan.routing.importance);
  plan.gate_compressed = true;
  EXPECT_TRUE(
      all_close(moc_attention(query, query, query, compressed, compressed, plan), ungated, 1e-12));
}

}  // namespace
}  // namespace moca::ops::moc_attention_definition_test
