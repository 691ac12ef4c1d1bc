#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops::moc_attention_tiled_test {
namespace {

using testing::all_close;

constexpr int64_t kB = 2, kN = 6, kH = 3, kL = 5, kM = 3, kK = 4;

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(4, "tiled attention", 0, index),
                   at::TensorOptions().dtype(at::kDouble));
}

struct Case {
  at::Tensor query, key, value, compressed_key, compressed_value;
  MocPlan plan;

  at::Tensor run(MocBackend backend) {
    plan.backend = backend;
    return moc_attention(query, key, value, compressed_key, compressed_value, plan);
  }
};

// Heads of a token side by side, as projections give them.
Case make_case() {
  const auto tokens = [](int64_t count, uint64_t index) {
    return draw({kB, kN, count, kH, kK}, index).transpose(2, 3);
  };
  Case c{tokens(kL, 0), tokens(kL, 1), tokens(kL, 2), tokens(kM, 3), tokens(kM, 4), {}};
  c.plan.routing = route(draw({kB, kN, kH, kK}, 5), draw({kB, kN, kH, kK}, 6),
                         {2, RouterActivation::kSigmoid, false}, std::nullopt);
  return c;
}

TEST(MocTiled, IsTheDefinitionForEveryGateTarget) {
  auto c = make_case();
  for (const auto target : {GateTarget::kKey, GateTarget::kValue, GateTarget::kNone}) {
    for (const bool gate_compressed : {true, false}) {
      c.plan.gate_target = target;
      c.plan.gate_compressed = gate_compressed;
      EXPECT_TRUE(all_close(c.run(MocBackend::kTiled), c.run(MocBackend::kDefinition), 1e-12));
    }
  }
}

TEST(MocTiled, ReadsTheRoutingOfEveryHeadOnItsOwn) {
  auto c = make_case();
  const auto before = c.run(MocBackend::kTiled);
  c.plan.routing.selected = c.plan.routing.selected.clone();
  c.plan.routing.rest = c.plan.routing.rest.clone();
  const auto selected = c.plan.routing.selected[1][2][0][0].clone();
  c.plan.routing.selected[1][2][0][0] = c.plan.routing.rest[1][2][0][0];
  c.plan.routing.rest[1][2][0][0] = selected;
  const auto change = (c.run(MocBackend::kTiled) - before).abs().amax({3, 4});  // [B, N, H]
  EXPECT_GT(change[1][2][0].item<double>(), 1e-3);
  EXPECT_EQ((change > 0).sum().item<int64_t>(), 1);
}

TEST(MocTiled, IsTheOneChosenOnACpu) {
  auto c = make_case();
  EXPECT_TRUE(testing::bit_equal(c.run(MocBackend::kAuto), c.run(MocBackend::kTiled)));
}

}  // namespace
}  // namespace moca::ops::moc_attention_tiled_test
