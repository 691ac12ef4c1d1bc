#include "moca/dit/router_statistics.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace moca::dit {
namespace {

// One asset of N components and one head: importance as given, and the first other selected.
ops::Routing routing_of(const at::Tensor& importance) {
  const int64_t N = importance.size(0);
  ops::Routing routing;
  routing.importance = importance.view({1, N, 1, N});
  routing.selected = at::zeros({1, N, 1, 1}, at::kLong);
  routing.selected[0][0][0][0] = 1;  // nobody selects itself
  return routing;
}

double number(const at::Tensor& statistic) { return statistic.item<double>(); }

TEST(RouterStatistics, OfEqualImportanceHaveAnEntropyOfOne) {
  const auto figures = statistics_of(routing_of(at::full({4, 4}, 0.25)));
  EXPECT_NEAR(number(figures.entropy), 1.0, 1e-6);
  EXPECT_NEAR(number(figures.importance), 0.25, 1e-6);
}

TEST(RouterStatistics, OfOneImportantOtherHaveAnEntropyOfZero) {
  auto importance = at::zeros({4, 4});
  importance.select(1, 2).fill_(1.0);  // the third; to itself it does not count
  importance[2][0] = 1.0;
  EXPECT_NEAR(number(statistics_of(routing_of(importance)).entropy), 0.0, 1e-6);
  EXPECT_NEAR(number(statistics_of(routing_of(importance)).importance), 4.0 / 12.0, 1e-6);
}

TEST(RouterStatistics, DoNotCountAComponentsImportanceToItself) {
  auto importance = at::full({3, 3}, 0.5);
  const double before = number(statistics_of(routing_of(importance)).importance);
  importance.fill_diagonal_(0.9);
  EXPECT_DOUBLE_EQ(number(statistics_of(routing_of(importance)).importance), before);
}

TEST(RouterStatistics, TellWhenAllSelectTheSame) {
  // Three of four select the first, which selects the second: at most three times, on average one.
  EXPECT_NEAR(number(statistics_of(routing_of(at::full({4, 4}, 0.5))).load), 3.0, 1e-6);
  auto routing = routing_of(at::full({4, 4}, 0.5));
  for (int64_t i = 0; i < 4; ++i) {
    routing.selected[0][i][0][0] = (i + 1) % 4;
  }
  EXPECT_NEAR(number(statistics_of(routing).load), 1.0, 1e-6);
}

TEST(RouterStatistics, OfTwoComponentsAreDefined) {
  const auto figures = statistics_of(routing_of(at::full({2, 2}, 0.5)));
  EXPECT_EQ(number(figures.entropy), 1.0);
  EXPECT_EQ(number(figures.load), 1.0);
}

}  // namespace
}  // namespace moca::dit
