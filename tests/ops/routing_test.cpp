#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "moca/core/generator.h"
#include "moca/ops/float_product.h"
#include "moca/ops/moc_attention.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/test_device.h"

namespace moca::ops::routing_test {
namespace {

using testing::on_device;

constexpr int64_t kB = 2, kN = 6, kH = 3, kK = 4;

at::Tensor draw(uint64_t index) {
  return on_device(
      at::randn({kB, kN, kH, kK}, generator_for(3, "routing test", 0, index), at::TensorOptions()));
}

TEST(Routing, SelectsDistinctOthersAndLeavesTheRestInOrder) {
  for (const bool stochastic : {false, true}) {
    const auto routing = route(draw(0), draw(1), {2, RouterActivation::kSigmoid, stochastic},
                               generator_for(0, "sample"));
    for (int64_t b = 0; b < kB; ++b) {
      for (int64_t i = 0; i < kN; ++i) {
        for (int64_t h = 0; h < kH; ++h) {
          std::set<int64_t> seen = {i};
          for (int64_t s = 0; s < 2; ++s) {
            EXPECT_TRUE(seen.insert(routing.selected[b][i][h][s].item<int64_t>()).second);
          }
          int64_t previous = -1;
          for (int64_t s = 0; s < kN - 3; ++s) {
            const auto other = routing.rest[b][i][h][s].item<int64_t>();
            EXPECT_TRUE(seen.insert(other).second);
            EXPECT_GT(other, previous);
            previous = other;
          }
          EXPECT_EQ(seen.size(), static_cast<size_t>(kN));
        }
      }
    }
  }
}

TEST(Routing, TakesTheMostImportantWhenNotStochastic) {
  const auto routing =
      route(draw(0), draw(1), {2, RouterActivation::kSigmoid, false}, std::nullopt);
  const auto chosen = routing.importance.gather(3, routing.selected);
  const auto rest = routing.importance.gather(3, routing.rest);
  EXPECT_TRUE((std::get<0>(chosen.min(-1)) >= std::get<0>(rest.max(-1))).all().item<bool>());
}

TEST(Routing, ImportanceIsTheSigmoidOfTheScaledProduct) {
  const auto query = draw(0);
  const auto key = draw(1);
  const auto routing = route(query, key, {2, RouterActivation::kSigmoid, false}, std::nullopt);
  const auto logit = (query[1][4][2] * key[1][0][2]).sum() / std::sqrt(static_cast<double>(kK));
  EXPECT_NEAR(routing.importance[1][4][2][0].item<double>(), at::sigmoid(logit).item<double>(),
              1e-6);
}

TEST(Routing, IsTheSameWhereNobodyDifferentiates) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    for (const auto activation : {RouterActivation::kSigmoid, RouterActivation::kSoftmax}) {
      for (const int64_t N : {int64_t{1}, int64_t{2}, kN}) {
        // As projections of tokens give them, and the other way round.
        const auto query = draw(0).narrow(1, 0, N).to(type);
        const auto key =
            draw(1).narrow(1, 0, N).to(type).transpose(1, 2).contiguous().transpose(1, 2);
        const RoutingOptions options{2, activation, false};
        const auto recorded = route(query, key, options, std::nullopt);
        const torch::NoGradGuard no_grad;
        const auto plain = route(query, key, options, std::nullopt);
        EXPECT_EQ(plain.importance.scalar_type(), recorded.importance.scalar_type());
        EXPECT_TRUE(testing::all_close(plain.importance, recorded.importance, 1e-6)) << N;
        EXPECT_TRUE(at::equal(plain.selected, recorded.selected)) << N;
        EXPECT_TRUE(at::equal(plain.rest, recorded.rest)) << N;
      }
    }
  }
}

TEST(Routing, SoftmaxSharesOneAmongTheOthers) {
  const auto routing =
      route(draw(0), draw(1), {2, RouterActivation::kSoftmax, false}, std::nullopt);
  EXPECT_TRUE(testing::all_close(routing.importance.sum(-1), at::ones({kB, kN, kH}), 1e-6));
  EXPECT_EQ(routing.importance[0][2][1][2].item<double>(), 0.0);
}

TEST(Routing, SamplesInProportionToImportance) {
  // One component of importance 0.5 among others of 0.1 and less is drawn first about as often.
  const int64_t draws = 4000;
  auto query = on_device(at::zeros({draws, 4, 1, 1}));
  auto key = on_device(at::zeros({draws, 4, 1, 1}));
  query.fill_(1.0);
  const auto logit = [](double importance) { return std::log(importance / (1.0 - importance)); };
  const double importances[4] = {0.5, 0.3, 0.15, 0.05};
  for (int64_t j = 0; j < 4; ++j) {
    key.select(1, j).fill_(logit(importances[j]));
  }
  const auto routing =
      route(query, key, {1, RouterActivation::kSigmoid, true}, generator_for(5, "sample"));
  const auto first = routing.selected.select(1, 3).flatten();  // component 3 chooses among 0, 1, 2
  for (int64_t j = 0; j < 3; ++j) {
    const double share = (first == j).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(share, importances[j] / 0.95, 0.03) << "component " << j;
  }
}

// Logits log 4, log 2, log 1 have the softmax 4/7, 2/7, 1/7 and the sigmoids 4/5, 2/3, 1/2.
TEST(Routing, SamplesInProportionToTheSigmoidOrToTheSoftmaxOfTheLogits) {
  const int64_t draws = 4000;
  const auto query = on_device(at::ones({draws, 4, 1, 1}));
  auto key = on_device(at::zeros({draws, 4, 1, 1}));
  for (int64_t j = 0; j < 3; ++j) {
    key.select(1, j).fill_(std::log(static_cast<double>(int64_t{4} >> j)));
  }
  const double sum = 4.0 / 5 + 2.0 / 3 + 1.0 / 2;
  const double of_importance[] = {4.0 / 5 / sum, 2.0 / 3 / sum, 1.0 / 2 / sum};
  const double of_logits[] = {4.0 / 7, 2.0 / 7, 1.0 / 7};
  for (const auto sampling : {RouterSampling::kImportance, RouterSampling::kLogits}) {
    const auto routing = route(query, key, {1, RouterActivation::kSigmoid, true, sampling},
                               generator_for(5, "sample"));
    const auto first = routing.selected.select(1, 3).flatten();
    for (int64_t j = 0; j < 3; ++j) {
      const double share = (first == j).to(at::kDouble).mean().item<double>();
      const auto& expected = sampling == RouterSampling::kLogits ? of_logits : of_importance;
      EXPECT_NEAR(share, expected[j], 0.03) << j;
    }
  }
}

TEST(Routing, IsTheSameForTheSameSeed) {
  const auto once = [&] {
    return route(draw(0), draw(1), {2, RouterActivation::kSigmoid, true},
                 generator_for(9, "sample"))
        .selected;
  };
  EXPECT_TRUE(at::equal(once(), once()));
}

TEST(Routing, SelectsAllOthersWhenFewerThanAsked) {
  const auto routing =
      route(draw(0), draw(1), {40, RouterActivation::kSigmoid, false}, std::nullopt);
  EXPECT_EQ(routing.selected.size(3), kN - 1);
  EXPECT_EQ(routing.rest.size(3), 0);
}

TEST(Routing, OfALoneComponentSelectsNobody) {
  for (const auto activation : {RouterActivation::kSigmoid, RouterActivation::kSoftmax}) {
    const auto one = on_device(at::ones({2, 1, 3, 4}));
    const auto routing = route(one, one, {4, activation, false}, std::nullopt);
    EXPECT_EQ(routing.selected.sizes(), (at::IntArrayRef{2, 1, 3, 0}));
    EXPECT_EQ(routing.rest.sizes(), (at::IntArrayRef{2, 1, 3, 0}));
    EXPECT_TRUE(routing.importance.isfinite().all().item<bool>());
  }
}

TEST(Routing, SelectsNobodyWhenNobodyIsAskedFor) {
  const auto routing =
      route(draw(0), draw(1), {0, RouterActivation::kSigmoid, false}, std::nullopt);
  EXPECT_EQ(routing.selected.size(3), 0);
  EXPECT_EQ(routing.rest.size(3), kN - 1);
}

TEST(Routing, ImportanceDoesNotDependOnTheDraw) {
  const auto greedy = route(draw(0), draw(1), {2, RouterActivation::kSigmoid, false}, std::nullopt);
  const auto drawn =
      route(draw(0), draw(1), {2, RouterActivation::kSigmoid, true}, generator_for(1, "sample"));
  EXPECT_TRUE(testing::bit_equal(drawn.importance, greedy.importance));
  EXPECT_FALSE(at::equal(drawn.selected, greedy.selected));
}

TEST(Routing, PermutesWithTheComponents) {
  const auto order = on_device(at::tensor({3, 0, 5, 1, 4, 2}, at::kLong));
  const RoutingOptions options = {2, RouterActivation::kSigmoid, false};
  const auto before = route(draw(0), draw(1), options, std::nullopt);
  const auto after =
      route(draw(0).index_select(1, order), draw(1).index_select(1, order), options, std::nullopt);
  const auto permuted = before.importance.index_select(1, order).index_select(3, order);
  EXPECT_TRUE(testing::all_close(after.importance, permuted, 1e-6));
  // What was component order[j] is now component j.
  EXPECT_TRUE(at::equal(order.index_select(0, after.selected.flatten()).view_as(after.selected),
                        before.selected.index_select(1, order)));
}

// The rows of N others whose k-th and (k + 1)-th place have the same key, so that the order of the
// components decides.
int64_t ties_at_the_kth_place(const at::Tensor& keys, int64_t k) {
  const auto N = keys.size(1);
  const auto own = on_device(at::eye(N, at::kBool)).view({1, N, 1, N});
  const auto ranked = std::get<0>(keys.masked_fill(own, -std::numeric_limits<double>::infinity())
                                      .sort(-1, /*descending=*/true));
  return (ranked.select(-1, k - 1) == ranked.select(-1, k)).sum().item<int64_t>();
}

// Anchors as training has them: bf16, under autocast.
TEST(Routing, HasNoTiesAtTheKthPlaceOf10000RandomRowsUnderAutocast) {
  constexpr int64_t kRows = 10000, kComponents = 20, kHeads = 4, kWidth = 64, kSelected = 3;
  const auto random = [](at::IntArrayRef sizes, uint64_t index) {
    return on_device(at::randn(sizes, generator_for(4, "ties", 0, index), at::TensorOptions()));
  };
  const auto anchors = random({kRows / kComponents / kHeads, kComponents, kHeads * kWidth}, 0);
  const auto device = testing::device().type();
  at::autocast::set_autocast_enabled(device, true);
  at::autocast::set_autocast_dtype(device, at::kBFloat16);
  const auto projected = [&](uint64_t index) {
    const auto weight = random({kHeads * kWidth, kHeads * kWidth}, index) / 16.0;
    return float_product(anchors.to(at::kBFloat16), weight).unflatten(2, {kHeads, kWidth});
  };
  const auto query = projected(1), key = projected(2);
  const RoutingOptions options{kSelected, RouterActivation::kSigmoid, false};
  const auto scores = router_scores(query, key, options.activation);
  const auto importance = route(query, key, options, std::nullopt).importance;
  at::autocast::set_autocast_enabled(device, false);
  const auto keys = ranking(scores, options, {});
  EXPECT_EQ(keys.numel(), kRows * kComponents);
  EXPECT_EQ(scores.logits.scalar_type(), at::kFloat);
  EXPECT_EQ(importance.scalar_type(), at::kFloat);
  EXPECT_EQ(ties_at_the_kth_place(keys, kSelected), 0);
  EXPECT_GT(ties_at_the_kth_place(keys.to(at::kBFloat16), kSelected), 100) << "what bf16 would do";
}

// Importances that are the same float, 1, still have an order.
TEST(Routing, RanksLogitsWhereTheSigmoidIsSaturated) {
  const auto query = on_device(at::ones({1, 4, 1, 1}));
  const auto key = on_device(at::tensor({20.0F, 21.0F, 23.0F, 22.0F}).view({1, 4, 1, 1}));
  for (const bool recorded : {true, false}) {
    const at::AutoGradMode mode(recorded);
    const auto routing = route(query, key, {1, RouterActivation::kSigmoid, false}, std::nullopt);
    EXPECT_TRUE(at::equal(routing.importance, at::ones_like(routing.importance)));
    EXPECT_TRUE(testing::bit_equal(routing.selected.flatten(), at::tensor({2, 2, 3, 2}, at::kLong)))
        << recorded;
  }
}

// A surface point that is no number makes a row of them: it must reach the loss, which skips the
// step, and no index.
TEST(Routing, ListsEveryOtherOnceWhereImportanceIsNotANumber) {
  auto key = draw(1);
  key.select(1, 0).fill_(std::numeric_limits<double>::quiet_NaN());
  key[1].fill_(std::numeric_limits<double>::quiet_NaN());
  for (const bool stochastic : {false, true}) {
    const auto routing = route(draw(0), key, {2, RouterActivation::kSigmoid, stochastic},
                               generator_for(0, "sample"));
    const auto own = on_device(at::arange(kN)).view({1, kN, 1, 1}).expand({kB, kN, kH, 1});
    const auto listed = std::get<0>(at::cat({own, routing.selected, routing.rest}, 3).sort(3));
    EXPECT_TRUE(testing::bit_equal(listed, at::arange(kN).expand({kB, kN, kH, kN})));
    const auto chosen = routing.selected[0].narrow(0, 1, kN - 1);  // they have others to choose
    EXPECT_FALSE((chosen == 0).any().item<bool>()) << "what is no number was preferred";
    EXPECT_TRUE(routing.importance.select(3, 0).isnan().all().item<bool>());
  }
}

TEST(Routing, IsTheSameWhateverTheTypeOfTheAnchors) {
  const auto query = draw(0).to(at::kBFloat16);
  const auto key = draw(1).to(at::kBFloat16);
  const RoutingOptions options = {2, RouterActivation::kSigmoid, false};
  const auto low = route(query, key, options, std::nullopt);
  const auto high = route(query.to(at::kFloat), key.to(at::kFloat), options, std::nullopt);
  EXPECT_EQ(low.importance.scalar_type(), at::kFloat);
  EXPECT_TRUE(testing::bit_equal(low.importance, high.importance));
  EXPECT_TRUE(at::equal(low.selected, high.selected));
}

// Gradients reach the router through the importance only; it works in float.
TEST(Routing, LetsGradientsThroughTheImportance) {
  for (const auto activation : {RouterActivation::kSigmoid, RouterActivation::kSoftmax}) {
    const auto weights =
        on_device(at::randn({kB, kN, kH, kN}, generator_for(3, "weights"), at::TensorOptions()));
    const auto of_query = [&](const at::Tensor& query) {
      const auto routing = route(query, draw(1), {2, activation, false}, std::nullopt);
      EXPECT_FALSE(routing.selected.requires_grad());
      return (routing.importance * weights).sum();
    };
    EXPECT_TRUE(testing::has_right_gradient(of_query, draw(0), 5e-3, 1e-2));
    const auto of_key = [&](const at::Tensor& key) {
      return (route(draw(0), key, {2, activation, false}, std::nullopt).importance * weights).sum();
    };
    EXPECT_TRUE(testing::has_right_gradient(of_key, draw(1), 5e-3, 1e-2));
  }
}

TEST(Routing, SamplesPairsInProportionToImportanceWithoutReplacement) {
  // Importances 0.4, 0.2, 0.2 of three others: the pair (first, second) comes with probability
  // 0.4 / 0.8 * 0.2 / 0.4 = 0.25.
  const int64_t draws = 4000;
  const auto query = on_device(at::ones({draws, 4, 1, 1}));
  auto key = on_device(at::zeros({draws, 4, 1, 1}));
  const auto logit = [](double importance) { return std::log(importance / (1.0 - importance)); };
  for (const auto& [component, importance] :
       {std::pair(0, 0.4), std::pair(1, 0.2), std::pair(2, 0.2)}) {
    key.select(1, component).fill_(logit(importance));
  }
  const auto routing =
      route(query, key, {2, RouterActivation::kSigmoid, true}, generator_for(6, "sample"));
  const auto chosen = routing.selected.select(1, 3).flatten(1);  // [draws, 2], of 0, 1, 2
  const auto is_pair = [&](int64_t first, int64_t second) {
    return ((chosen.select(1, 0) == first) & (chosen.select(1, 1) == second))
        .to(at::kDouble)
        .mean()
        .item<double>();
  };
  EXPECT_NEAR(is_pair(0, 1), 0.25, 0.03);
  EXPECT_NEAR(is_pair(1, 0), 0.25 * 0.4 / 0.6, 0.03);
  EXPECT_NEAR(is_pair(1, 2), 0.25 * 0.2 / 0.6, 0.03);
  EXPECT_EQ(is_pair(1, 1), 0.0);
}

TEST(Routing, RefusesWhatItCannotDo) {
  EXPECT_THROW(route(draw(0), draw(1), {2, RouterActivation::kSigmoid, true}, std::nullopt),
               c10::Error);
  EXPECT_THROW(route(draw(0), draw(1), {-1, RouterActivation::kSigmoid, false}, std::nullopt),
               c10::Error);
  try {
    route(draw(0), draw(1).narrow(1, 0, 3), {2, RouterActivation::kSigmoid, false}, std::nullopt);
    FAIL() << "keys of three components were accepted";
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("anchor_key [B, N, H, K] = [2, 6, 3, 4]"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace moca::ops::routing_test
