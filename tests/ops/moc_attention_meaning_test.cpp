#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <string>
#include <vector>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

// What mixture-of-components attention means, for every backend.
namespace moca::ops::moc_attention_meaning_test {
namespace {

using testing::all_close;
using testing::bit_equal;
using testing::on_device;

constexpr int64_t kB = 2, kN = 5, kH = 2, kL = 3, kK = 4, kM = 2, kSelected = 2;

struct Inputs {
  at::Tensor query, key, value, compressed_key, compressed_value;
};

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return testing::on_device(at::randn(sizes, generator_for(5, "moc attention meaning", 0, index),
                                      at::TensorOptions().dtype(at::kDouble)));
}

Inputs draw_inputs() {
  return {draw({kB, kN, kH, kL, kK}, 0), draw({kB, kN, kH, kL, kK}, 1),
          draw({kB, kN, kH, kL, kK}, 2), draw({kB, kN, kH, kM, kK}, 3),
          draw({kB, kN, kH, kM, kK}, 4)};
}

MocPlan make_plan(int64_t num_selected, GateTarget target, MocBackend backend) {
  MocPlan plan;
  plan.routing = route(draw({kB, kN, kH, kK}, 5), draw({kB, kN, kH, kK}, 6),
                       {num_selected, RouterActivation::kSigmoid, false}, std::nullopt);
  plan.routing.importance = plan.routing.importance.to(at::kDouble);
  plan.gate_target = target;
  plan.backend = backend;
  return plan;
}

at::Tensor run(const Inputs& in, const MocPlan& plan) {
  return moc_attention(in.query, in.key, in.value, in.compressed_key, in.compressed_value, plan);
}

class MocMeaning : public ::testing::TestWithParam<MocBackend> {
 protected:
  void SetUp() override {
    if (GetParam() == MocBackend::kTiled && !testing::device().is_cpu()) {
      GTEST_SKIP() << "the tiles are of a CPU's caches";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, MocMeaning,
                         ::testing::Values(MocBackend::kAuto, MocBackend::kDefinition,
                                           MocBackend::kPacked, MocBackend::kTiled));

// Two components of one token of one channel, worked out by hand: component 0 attends to itself
// and to the compressed token of component 1, whose gate is g.
TEST_P(MocMeaning, OfTwoSmallComponentsIsTheSumByHand) {
  const auto scalar = [](double own, double other) {
    return on_device(at::tensor({own, other}, at::kDouble)).view({1, 2, 1, 1, 1});
  };
  const double q = 0.7, k = -0.4, v = 2.0, ck = 1.3, cv = -1.0, g = 0.6;
  const Inputs in = {scalar(q, 0), scalar(k, 9), scalar(v, 9), scalar(9, ck), scalar(9, cv)};
  MocPlan plan;
  plan.routing.importance =
      on_device(at::tensor({0.5, g, 0.5, 0.5}, at::kDouble)).view({1, 2, 1, 2});  // g: of 1 for 0
  plan.routing.selected = on_device(at::zeros({1, 2, 1, 0}, at::kLong));
  plan.routing.rest = on_device(at::tensor({1, 0}, at::kLong)).view({1, 2, 1, 1});
  plan.backend = GetParam();
  const auto own_output = [&](GateTarget target) {
    plan.gate_target = target;
    return run(in, plan)[0][0][0][0][0].item<double>();
  };
  const auto attended = [&](double logit, double value) {
    const double own_weight = std::exp(q * k);
    const double weight = std::exp(logit);
    return (own_weight * v + weight * value) / (own_weight + weight);
  };
  EXPECT_NEAR(own_output(GateTarget::kKey), attended(q * g * ck, cv), 1e-12);
  EXPECT_NEAR(own_output(GateTarget::kValue), attended(q * ck, g * cv), 1e-12);
  EXPECT_NEAR(own_output(GateTarget::kNone), attended(q * ck, cv), 1e-12);
  plan.attend_compressed = false;
  EXPECT_NEAR(own_output(GateTarget::kKey), v, 1e-12);
}

TEST_P(MocMeaning, GradientsAreThoseOfItsValuesForEveryInputAndTheGates) {
  const Inputs in = draw_inputs();
  for (const auto target : {GateTarget::kKey, GateTarget::kValue}) {
    const MocPlan plan = make_plan(kSelected, target, GetParam());
    const auto weights = draw({kB, kN, kH, kL, kK}, 7);
    const auto check = [&](at::Tensor Inputs::*member, const char* name) {
      const auto function = [&](const at::Tensor& input) {
        Inputs changed = in;
        changed.*member = input;
        return (run(changed, plan) * weights).sum();
      };
      EXPECT_TRUE(testing::has_right_gradient(function, in.*member)) << name;
    };
    check(&Inputs::query, "query");
    check(&Inputs::key, "key");
    check(&Inputs::value, "value");
    check(&Inputs::compressed_key, "compressed_key");
    check(&Inputs::compressed_value, "compressed_value");
    const auto of_gates = [&](const at::Tensor& importance) {
      MocPlan changed = plan;
      changed.routing.importance = importance;
      return (run(in, changed) * weights).sum();
    };
    EXPECT_TRUE(testing::has_right_gradient(of_gates, plan.routing.importance)) << "gates";
  }
}

TEST_P(MocMeaning, SeesOfTheRestOnlyItsCompressedTokensAndOfTheSelectedAll) {
  const Inputs in = draw_inputs();
  const MocPlan plan = make_plan(kSelected, GateTarget::kKey, GetParam());
  const auto before = run(in, plan);
  const int64_t changed_component = 2;
  const auto changed_outputs = [&](at::Tensor Inputs::*member) {
    Inputs changed = in;
    changed.*member = (in.*member).clone();
    (changed.*member).select(1, changed_component).add_(1.0);
    return (run(changed, plan) != before).flatten(3).any(3);  // [B, N, H]
  };
  const auto of_full = changed_outputs(&Inputs::value);
  const auto of_compressed = changed_outputs(&Inputs::compressed_value);
  for (int64_t b = 0; b < kB; ++b) {
    for (int64_t i = 0; i < kN; ++i) {
      for (int64_t h = 0; h < kH; ++h) {
        const auto lists = [&](const at::Tensor& indices) {
          return (indices[b][i][h] == changed_component).any().item<bool>();
        };
        const bool is_own = i == changed_component;
        EXPECT_EQ(of_full[b][i][h].item<bool>(), is_own || lists(plan.routing.selected));
        EXPECT_EQ(of_compressed[b][i][h].item<bool>(), !is_own && lists(plan.routing.rest));
      }
    }
  }
}

TEST_P(MocMeaning, AveragesTheValues) {
  Inputs in = draw_inputs();
  in.value = at::full_like(in.value, 3.0);
  in.compressed_value = at::full_like(in.compressed_value, 3.0);
  for (const int64_t num_selected : {0, 2, 4}) {
    const auto output = run(in, make_plan(num_selected, GateTarget::kKey, GetParam()));
    EXPECT_TRUE(all_close(output, at::full_like(in.value, 3.0), 1e-12));
  }
}

TEST_P(MocMeaning, LeavesAnAssetAloneWhenAnotherChanges) {
  const Inputs in = draw_inputs();
  const MocPlan plan = make_plan(kSelected, GateTarget::kKey, GetParam());
  const auto before = run(in, plan);
  Inputs changed = in;
  for (at::Tensor* tensor : {&changed.key, &changed.value, &changed.compressed_key}) {
    *tensor = tensor->clone();
    tensor->select(0, 1).fill_(7.0);
  }
  const auto after = run(changed, plan);
  EXPECT_TRUE(bit_equal(after[0], before[0]));
  EXPECT_FALSE(at::equal(after[1], before[1]));
}

TEST_P(MocMeaning, DoesNotCareInWhichOrderTheSelectedAreListed) {
  const Inputs in = draw_inputs();
  MocPlan plan = make_plan(3, GateTarget::kKey, GetParam());
  const auto before = run(in, plan);
  plan.routing.selected = plan.routing.selected.flip(3);
  EXPECT_TRUE(all_close(run(in, plan), before, 1e-12));
}

TEST_P(MocMeaning, WithNothingSelectedAndNothingCompressedIsEveryComponentsOwnAttention) {
  const Inputs in = draw_inputs();
  MocPlan plan = make_plan(0, GateTarget::kKey, GetParam());
  plan.attend_compressed = false;
  const auto own = at::scaled_dot_product_attention(in.query, in.key, in.value);
  EXPECT_TRUE(all_close(run(in, plan), own, 1e-12));
  // Then the compressed tokens need not even be there.
  const auto without = moc_attention(in.query, in.key, in.value, at::Tensor(), at::Tensor(), plan);
  EXPECT_TRUE(all_close(without, own, 1e-12));
}

TEST_P(MocMeaning, ClosedGatesOnValuesLeaveOnlyTheOwnTokensShare) {
  const Inputs in = draw_inputs();
  MocPlan plan = make_plan(4, GateTarget::kValue, GetParam());
  plan.routing.importance = at::zeros_like(plan.routing.importance);
  const auto closed = run(in, plan);
  // Others still take their part of the softmax.
  for (int64_t i = 0; i < kN; ++i) {
    Inputs alone = in;
    alone.value = at::zeros_like(in.value);
    alone.value.select(1, i).copy_(in.value.select(1, i));
    plan.gate_target = GateTarget::kNone;
    EXPECT_TRUE(all_close(closed.select(1, i), run(alone, plan).select(1, i), 1e-12)) << i;
  }
}

TEST_P(MocMeaning, KeepsTheTypeOfItsInputs) {
  Inputs in = draw_inputs();
  const MocPlan plan = make_plan(kSelected, GateTarget::kKey, GetParam());
  const auto exact = run(in, plan);
  for (at::Tensor* tensor :
       {&in.query, &in.key, &in.value, &in.compressed_key, &in.compressed_value}) {
    *tensor = tensor->to(at::kBFloat16);
  }
  const auto rounded = run(in, plan);
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(all_close(rounded, exact, 0.03));
}

TEST(MocAttentionContract, NamesEveryWrongShape) {
  const Inputs good = draw_inputs();
  const auto refusal = [&](const Inputs& in, const MocPlan& plan) -> std::string {
    try {
      run(in, plan);
    } catch (const c10::Error& error) {
      return error.what();
    }
    return "";
  };
  const MocPlan plan = make_plan(kSelected, GateTarget::kKey, MocBackend::kAuto);
  Inputs in = good;
  in.query = good.query[0];
  EXPECT_NE(refusal(in, plan).find("query [B, N, H, L, K] with 5 axes"), std::string::npos);
  in = good;
  in.value = good.value.narrow(1, 0, 4);
  EXPECT_NE(refusal(in, plan).find("value [B, N, H, L, K]"), std::string::npos);
  in = good;
  in.compressed_value = good.compressed_value.narrow(3, 0, 1);
  EXPECT_NE(refusal(in, plan).find("compressed_value [B, N, H, M, K]"), std::string::npos);
  in = good;
  in.compressed_key = at::Tensor();
  EXPECT_NE(refusal(in, plan).find("compressed_key [B, N, H, M, K] is undefined"),
            std::string::npos);
  MocPlan wrong = plan;
  wrong.routing.rest = plan.routing.rest.narrow(3, 0, 1);
  EXPECT_NE(refusal(good, wrong).find("rest [B, N, H, N - 1 - k]"), std::string::npos);
  wrong = plan;
  wrong.routing.selected = on_device(at::zeros({kB, kN, kH, kN}, at::kLong));
  EXPECT_NE(refusal(good, wrong).find("selected names 5 of 4"), std::string::npos);
  wrong = plan;
  wrong.routing.importance = plan.routing.importance.narrow(0, 0, 1);
  EXPECT_NE(refusal(good, wrong).find("importance [B, N, H, N]"), std::string::npos);
}

}  // namespace
}  // namespace moca::ops::moc_attention_meaning_test
