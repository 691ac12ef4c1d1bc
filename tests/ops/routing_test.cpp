#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "moca/core/generator.h"
#include "moca/ops/moc_attention.h"
#include "tests/support/tensor_matchers.h"

namespace moca::ops {
namespace {

constexpr int64_t kB = 2, kN = 6, kH = 3, kK = 4;

at::Tensor draw(uint64_t index) {
  return at::randn({kB, kN, kH, kK}, generator_for(3, "routing test", 0, index),
                   at::TensorOptions());
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

TEST(Routing, SoftmaxSharesOneAmongTheOthers) {
  const auto routing =
      route(draw(0), draw(1), {2, RouterActivation::kSoftmax, false}, std::nullopt);
  EXPECT_TRUE(testing::all_close(routing.importance.sum(-1), at::ones({kB, kN, kH}), 1e-6));
  EXPECT_EQ(routing.importance[0][2][1][2].item<double>(), 0.0);
}

TEST(Routing, SamplesInProportionToImportance) {
  // One component of importance 0.5 among others of 0.1 and less is drawn first about as often.
  const int64_t draws = 4000;
  auto query = at::zeros({draws, 4, 1, 1});
  auto key = at::zeros({draws, 4, 1, 1});
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

}  // namespace
}  // namespace moca::ops
