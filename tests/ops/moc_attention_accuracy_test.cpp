#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/ops/moc_backends_here.h"
#include "tests/support/test_device.h"

// Every backend against the definition in double, output and all gradients, at sizes that divide
// nothing.
namespace moca::ops::moc_attention_accuracy_test {
namespace {

constexpr int64_t kH = 2, kK = 8, kSelected = 2;

struct Case {
  std::vector<at::Tensor> inputs;  // query, key, value, compressed key and value, importance
  MocPlan plan;
  at::Tensor output_gradient;
};

at::Tensor draw(at::IntArrayRef sizes, int64_t N, uint64_t index) {
  return testing::on_device(at::randn(sizes, generator_for(2, "moc attention accuracy", N, index),
                                      at::TensorOptions().dtype(at::kDouble)));
}

// Tokens as projections give them, heads of a token side by side. `crowded`: every head of every
// component selects the same others, so that one component is read by all and some by nobody.
Case make_case(int64_t N, int64_t L, int64_t M, bool crowded) {
  const auto tokens = [&](int64_t S, uint64_t index) {
    return draw({1, N, S, kH, kK}, N, index).transpose(2, 3);
  };
  Case c;
  c.inputs = {tokens(L, 0), tokens(L, 1), tokens(L, 2), tokens(M, 3), tokens(M, 4)};
  auto anchor_query = draw({1, N, kH, kK}, N, 5);
  auto anchor_key = draw({1, N, kH, kK}, N, 6);
  if (crowded) {
    anchor_query = at::ones_like(anchor_query);
    anchor_key =
        at::arange(N, anchor_key.options()).view({1, N, 1, 1}).expand_as(anchor_key) / 10.0;
  }
  c.plan.routing =
      route(anchor_query, anchor_key, {kSelected, RouterActivation::kSigmoid, false}, std::nullopt);
  c.inputs.push_back(c.plan.routing.importance);
  c.output_gradient = draw({1, N, kH, L, kK}, N, 7);
  return c;
}

// Output, then the gradients of all inputs; undefined where an input has no part.
std::vector<at::Tensor> run(const Case& c, GateTarget target, MocBackend backend,
                            at::ScalarType type) {
  std::vector<at::Tensor> inputs;
  for (const auto& input : c.inputs) {
    const bool gates = input.size(-1) != kK;  // importance is never bf16
    inputs.push_back(
        input.detach().to(gates && type == at::kBFloat16 ? at::kFloat : type).requires_grad_());
  }
  MocPlan plan = c.plan;
  plan.routing.importance = inputs[5];
  plan.gate_target = target;
  plan.backend = backend;
  const auto output = moc_attention(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], plan);
  std::vector<at::Tensor> results = {output};
  for (const auto& gradient :
       torch::autograd::grad({output}, inputs, {c.output_gradient.to(type)}, {}, false, true)) {
    results.push_back(gradient);
  }
  return results;
}

// Largest error against the largest of the reference, of output and every gradient.
std::vector<double> errors(const std::vector<at::Tensor>& found,
                           const std::vector<at::Tensor>& expected) {
  std::vector<double> result;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].defined() && found[i].to(at::kDouble).abs().max().item<double>() > 0.0,
              expected[i].defined() && expected[i].abs().max().item<double>() > 0.0)
        << "result " << i;
    if (!found[i].defined() || !expected[i].defined()) {
      result.push_back(0.0);
      continue;
    }
    const double size = std::max(1.0, expected[i].abs().max().item<double>());
    result.push_back((found[i].to(at::kDouble) - expected[i]).abs().max().item<double>() / size);
  }
  return result;
}

void expect_agreement(const Case& c, GateTarget target) {
  const auto exact = run(c, target, MocBackend::kDefinition, at::kDouble);
  const auto plain = errors(run(c, target, MocBackend::kDefinition, at::kBFloat16), exact);
  for (const auto backend : testing::moc_backends_here()) {
    SCOPED_TRACE(backend == MocBackend::kPacked ? "packed" : "tiled");
    const auto in_double = errors(run(c, target, backend, at::kDouble), exact);
    const auto in_float = errors(run(c, target, backend, at::kFloat), exact);
    const auto in_bf16 = errors(run(c, target, backend, at::kBFloat16), exact);
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_LE(in_double[i], 1e-12) << "result " << i;
      EXPECT_LE(in_float[i], 2e-6) << "result " << i;
      EXPECT_LE(in_bf16[i], 2.0 * plain[i] + 1e-6) << "result " << i;
    }
  }
}

class MocAccuracy : public ::testing::TestWithParam<int64_t> {};

TEST_P(MocAccuracy, OfEveryBackendInOutputAndAllGradients) {
  for (const auto target : {GateTarget::kKey, GateTarget::kValue, GateTarget::kNone}) {
    expect_agreement(make_case(GetParam(), 37, 5, false), target);
  }
}

TEST_P(MocAccuracy, HoldsWhenAllSelectTheSame) {
  expect_agreement(make_case(GetParam(), 9, 3, true), GateTarget::kKey);
}

INSTANTIATE_TEST_SUITE_P(Components, MocAccuracy,
                         ::testing::Values<int64_t>(1, 2, kSelected + 1, kSelected + 2, 8, 33));

TEST(MocAccuracyOfBlocks, HoldsAcrossTheEdgesOfBlocks) {
  expect_agreement(make_case(2, 129, 5, false), GateTarget::kKey);   // a block and one query
  expect_agreement(make_case(4, 577, 65, false), GateTarget::kKey);  // a block and one key
  expect_agreement(make_case(4, 1030, 2, false), GateTarget::kValue);
}

TEST(MocAccuracyOfBlocks, SurvivesLogitsFarApart) {
  auto c = make_case(4, 33, 5, false);
  c.inputs[0] = c.inputs[0] * 300.0;  // softmax becomes a choice
  const auto exact = run(c, GateTarget::kKey, MocBackend::kDefinition, at::kDouble);
  const auto found = run(c, GateTarget::kKey, testing::moc_backends_here().back(), at::kFloat);
  EXPECT_TRUE(found[0].isfinite().all().item<bool>());
  EXPECT_LE(errors({found[0]}, {exact[0]})[0], 1e-3);
}

}  // namespace
}  // namespace moca::ops::moc_attention_accuracy_test
