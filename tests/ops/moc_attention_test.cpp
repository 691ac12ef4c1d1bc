#include "moca/ops/moc_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <tuple>
#include <utility>
#include <vector>

#include "moca/core/generator.h"
#include "tests/ops/moc_backends_here.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::moc_attention_test {
namespace {

using testing::all_close;
using testing::on_device;

constexpr int64_t kB = 2, kH = 3, kL = 5, kK = 4, kM = 3;

struct Case {
  at::Tensor query, key, value, compressed_key, compressed_value, anchor_query, anchor_key;
  std::vector<at::Tensor> all() const {
    return {query, key, value, compressed_key, compressed_value, anchor_query, anchor_key};
  }
};

Case make_case(int64_t N) {
  auto generator = generator_for(7, "moc attention test", N);
  const auto draw = [&](at::IntArrayRef sizes) {
    return on_device(at::randn(sizes, generator, at::TensorOptions().dtype(at::kDouble)))
        .requires_grad_();
  };
  return {draw({kB, N, kH, kL, kK}), draw({kB, N, kH, kL, kK}), draw({kB, N, kH, kL, kK}),
          draw({kB, N, kH, kM, kK}), draw({kB, N, kH, kM, kK}), draw({kB, N, kH, kK}),
          draw({kB, N, kH, kK})};
}

at::Tensor run(const Case& c, int64_t num_selected, GateTarget target, MocBackend backend,
               bool attend_compressed = true, bool gate_compressed = true) {
  MocPlan plan;
  plan.routing = route(c.anchor_query, c.anchor_key,
                       {num_selected, RouterActivation::kSigmoid, false}, std::nullopt);
  plan.gate_target = target;
  plan.attend_compressed = attend_compressed;
  plan.gate_compressed = gate_compressed;
  plan.backend = backend;
  return moc_attention(c.query, c.key, c.value, c.compressed_key, c.compressed_value, plan);
}

class MocAttention : public ::testing::TestWithParam<std::tuple<int64_t, int64_t, GateTarget>> {};

TEST_P(MocAttention, EveryBackendAgreesWithTheDefinitionInOutputAndAllGradients) {
  const auto [N, num_selected, target] = GetParam();
  for (const auto& [attend_compressed, gate_compressed] :
       {std::pair(true, true), std::pair(true, false), std::pair(false, true)}) {
    const auto c = make_case(N);
    const auto expected =
        run(c, num_selected, target, MocBackend::kDefinition, attend_compressed, gate_compressed);
    const auto weights = at::randn_like(expected);
    const auto expected_gradients =
        torch::autograd::grad({(expected * weights).sum()}, c.all(), {}, {}, false, true);
    for (const auto backend : testing::moc_backends_here()) {
      const auto actual = run(c, num_selected, target, backend, attend_compressed, gate_compressed);
      EXPECT_TRUE(all_close(actual, expected, 1e-12));
      const auto gradients =
          torch::autograd::grad({(actual * weights).sum()}, c.all(), {}, {}, false, true);
      for (size_t i = 0; i < gradients.size(); ++i) {
        // Whoever plays no part has no gradient, or zero.
        const auto expected_gradient =
            expected_gradients[i].defined() ? expected_gradients[i] : at::zeros_like(c.all()[i]);
        const auto gradient = gradients[i].defined() ? gradients[i] : at::zeros_like(c.all()[i]);
        EXPECT_TRUE(all_close(gradient, expected_gradient, 1e-12)) << "input " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, MocAttention,
    ::testing::Combine(::testing::Values<int64_t>(1, 2, 3, 4, 8), ::testing::Values<int64_t>(0, 2),
                       ::testing::Values(GateTarget::kKey, GateTarget::kValue, GateTarget::kNone)));

TEST(MocAttentionLimits, AllSelectedWithGatesOneIsDenseAttention) {
  const auto c = make_case(4);
  const auto actual = run(c, 3, GateTarget::kNone, MocBackend::kAuto);
  const auto all = [](const at::Tensor& tokens) {
    return tokens.transpose(1, 2).reshape({kB, kH, 4 * kL, kK});
  };
  const auto dense = at::scaled_dot_product_attention(all(c.query), all(c.key), all(c.value))
                         .view({kB, kH, 4, kL, kK})
                         .transpose(1, 2);
  EXPECT_TRUE(all_close(actual, dense, 1e-12));
}

// Table 3A without gates: whatever the router says, the answer is the same.
TEST(MocAttentionLimits, CompressedTokensAloneWithoutGatesDoNotDependOnTheRouter) {
  auto c = make_case(4);
  for (const auto target : {GateTarget::kKey, GateTarget::kValue}) {
    const auto ungated = run(c, 0, GateTarget::kNone, MocBackend::kDefinition);
    auto backends = testing::moc_backends_here();
    backends.push_back(MocBackend::kDefinition);
    for (const auto backend : backends) {
      EXPECT_TRUE(all_close(run(c, 0, target, backend, true, false), ungated, 1e-12));
      EXPECT_FALSE(all_close(run(c, 0, target, backend, true, true), ungated, 1e-3));
      EXPECT_FALSE(all_close(run(c, 1, target, backend, true, false),
                             run(c, 1, GateTarget::kNone, backend), 1e-3));
    }
  }
}

TEST(MocAttentionLimits, PermutingComponentsPermutesTheOutput) {
  const auto c = make_case(6);
  const auto order = on_device(at::tensor({3, 0, 5, 1, 4, 2}, at::kLong));
  Case permuted = c;
  for (auto* tensor : {&permuted.query, &permuted.key, &permuted.value, &permuted.compressed_key,
                       &permuted.compressed_value, &permuted.anchor_query, &permuted.anchor_key}) {
    *tensor = tensor->index_select(1, order);
  }
  EXPECT_TRUE(all_close(run(permuted, 2, GateTarget::kKey, MocBackend::kAuto),
                        run(c, 2, GateTarget::kKey, MocBackend::kAuto).index_select(1, order),
                        1e-6));
}

TEST(MocAttentionContract, NamesTheArgumentOfAWrongShape) {
  const auto c = make_case(4);
  MocPlan plan;
  plan.routing =
      route(c.anchor_query, c.anchor_key, {1, RouterActivation::kSigmoid, false}, std::nullopt);
  try {
    moc_attention(c.query, c.key.narrow(3, 0, 2), c.value, c.compressed_key, c.compressed_value,
                  plan);
    FAIL() << "a short key was accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what())
                  .find("key [B, N, H, L, K] = [2, 4, 3, 5, 4], got [2, 4, 3, 2, 4]"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace moca::ops::moc_attention_test
