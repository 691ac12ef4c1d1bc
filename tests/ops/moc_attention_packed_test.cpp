#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::moc_attention_packed_test {
namespace {

using testing::all_close;

constexpr int64_t kB = 2, kN = 6, kH = 3, kL = 5, kM = 3, kK = 4;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return testing::on_device(at::randn(sizes, generator_for(4, "packed attention", 0, index),
                                      at::TensorOptions().dtype(at::kDouble)));
}

// Tensors and importance, as views of tokens whose heads lie side by side.
struct Case {
  std::vector<at::Tensor> inputs;
  Routing routing;
};

Case make_case() {
  Case c;
  c.routing = route(draw({kB, kN, kH, kK}, 6), draw({kB, kN, kH, kK}, 7),
                    {2, RouterActivation::kSigmoid, false}, std::nullopt);
  for (const int64_t count : {kL, kL, kL, kM, kM}) {
    c.inputs.push_back(draw({kB, kN, count, kH, kK}, c.inputs.size()).transpose(2, 3));
  }
  c.inputs.push_back(c.routing.importance);
  return c;
}

// Output and gradients of all inputs.
std::vector<at::Tensor> run(const Case& c, MocPlan plan) {
  std::vector<at::Tensor> inputs;
  for (const auto& tensor : c.inputs) {
    inputs.push_back(tensor.detach().requires_grad_());
  }
  plan.routing = c.routing;
  plan.routing.importance = inputs[5];
  const auto output = moc_attention(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], plan);
  auto results = torch::autograd::grad({output}, inputs, {draw(output.sizes(), 8)});
  results.push_back(output);
  return results;
}

void expect_same(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(all_close(actual[i], expected[i], 1e-12)) << "result " << i;
  }
}

TEST(PackedAttention, IsTheSameInChunksOfHeadsAsAtOnce) {
  const auto c = make_case();
  MocPlan plan;
  plan.backend = MocBackend::kPacked;
  const auto whole = run(c, plan);
  // One head at a time; two and one.
  for (const int64_t bytes : {int64_t{1}, 2 * 2 * kB * kN * (3 * kL + 3 * kM) * kK * 8}) {
    plan.packed_bytes = bytes;
    expect_same(run(c, plan), whole);
  }
}

TEST(PackedAttention, ReadsHeadsThatLieSideBySideAsTheDefinitionDoes) {
  const auto c = make_case();
  for (const auto target : {GateTarget::kKey, GateTarget::kValue}) {
    MocPlan plan;
    plan.gate_target = target;
    plan.backend = MocBackend::kPacked;
    const auto packed = run(c, plan);
    plan.backend = MocBackend::kDefinition;
    expect_same(packed, run(c, plan));
  }
}

TEST(PackedAttention, ReadsKeysWhoseChannelsAreNotConsecutive) {
  auto c = make_case();
  MocPlan plan;
  plan.backend = MocBackend::kPacked;
  const auto expected = run(c, plan);
  for (size_t i = 1; i < 5; ++i) {
    c.inputs[i] = c.inputs[i].transpose(3, 4).contiguous().transpose(3, 4);
  }
  expect_same(run(c, plan), expected);
}

}  // namespace
}  // namespace moca::ops::moc_attention_packed_test
