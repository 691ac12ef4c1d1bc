#include "moca/dit/component_router.h"

#include <gtest/gtest.h>

#include <set>

#include "moca/nn/autocast.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::all_close;
using testing::bit_equal;

ComponentRouter make_router(const DitConfig& config, bool training = false) {
  torch::manual_seed(9);
  ComponentRouter router(config);
  router->train(training);
  return router;
}

ops::Routing routing_of(const DitConfig& config, const at::Tensor& anchors) {
  const torch::NoGradGuard no_grad;
  return make_router(config)->forward(anchors, std::nullopt);
}

class Router : public ::testing::Test {
 protected:
  DitConfig config_ = small_config();               // 4 heads, k = 1
  at::Tensor anchors_ = random_tensor({2, 5, 32});  // 2 assets of 5 components
};

TEST_F(Router, NamesEveryOtherComponentOnceForEveryHead) {
  config_.router.num_selected = 2;
  const auto routing = routing_of(config_, anchors_);
  EXPECT_EQ(routing.importance.sizes(), at::IntArrayRef({2, 5, 4, 5}));
  ASSERT_EQ(routing.selected.sizes(), at::IntArrayRef({2, 5, 4, 2}));
  ASSERT_EQ(routing.rest.sizes(), at::IntArrayRef({2, 5, 4, 2}));
  const auto all = at::cat({routing.selected, routing.rest}, -1).contiguous();
  for (int64_t i = 0; i < 5; ++i) {
    std::set<int64_t> others = {0, 1, 2, 3, 4};
    others.erase(i);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t head = 0; head < 4; ++head) {
        const auto row = all[b][i][head];
        const auto* first = row.const_data_ptr<int64_t>();
        EXPECT_EQ(std::set<int64_t>(first, first + 4), others);
      }
    }
  }
}

TEST_F(Router, SelectsTheMostImportantOtherAtInference) {
  const auto routing = routing_of(config_, anchors_);
  for (int64_t i = 0; i < 5; ++i) {
    auto others = routing.importance.select(1, i).clone();  // [B, H, N]
    others.select(2, i).fill_(-1.0);
    EXPECT_TRUE(bit_equal(routing.selected.select(1, i).squeeze(-1), others.argmax(-1))) << i;
  }
}

TEST_F(Router, RoutesEveryHeadByItselfUnlessToldNotTo) {
  const auto heads_agree = [&](const at::Tensor& per_head) {
    return at::equal(per_head, per_head.narrow(2, 0, 1).expand_as(per_head));
  };
  const auto routing = routing_of(config_, anchors_);
  EXPECT_FALSE(heads_agree(routing.importance));
  EXPECT_FALSE(heads_agree(routing.selected));
  config_.router.per_head = false;
  const auto shared = routing_of(config_, anchors_);
  EXPECT_EQ(shared.importance.sizes(), routing.importance.sizes());
  EXPECT_TRUE(heads_agree(shared.importance));
  EXPECT_TRUE(heads_agree(shared.selected));
  EXPECT_TRUE(heads_agree(shared.rest));
}

TEST_F(Router, FollowsAPermutationOfTheComponents) {
  const auto order = at::tensor({3, 0, 4, 1, 2}, at::kLong);
  const auto expected =
      routing_of(config_, anchors_).importance.index_select(1, order).index_select(3, order);
  EXPECT_TRUE(
      all_close(routing_of(config_, anchors_.index_select(1, order)).importance, expected, 1e-5));
}

// 10,000 rows of 19 others each, as training sees them: bf16 anchors under autocast.
TEST_F(Router, SelectsTheSameOthersInWhateverOrderTheyComeUnderAutocast) {
  config_.router.num_selected = 3;
  const int64_t B = 125, N = 20;
  const auto anchors = random_tensor({B, N, 32}).to(at::kBFloat16);
  const auto order = at::randperm(N, generator_for(1, "order"), at::kLong);
  // Who is selected by whom: [B, N, H, N] of booleans.
  const auto selection_of = [&](const at::Tensor& of, bool recorded) {
    const at::AutoGradMode mode(recorded);
    const nn::Autocast autocast(at::kCPU, true);
    const auto routing = make_router(config_)->forward(of, std::nullopt);
    EXPECT_EQ(routing.importance.scalar_type(), at::kFloat);
    return at::zeros_like(routing.importance, at::kBool).scatter_(3, routing.selected, true);
  };
  const auto rows_that_agree = [](const at::Tensor& a, const at::Tensor& b) {
    return (a == b).all(-1).sum().item<int64_t>();
  };
  const auto selected = selection_of(anchors, true);
  const auto expected = selected.index_select(1, order).index_select(3, order);
  for (const bool recorded : {true, false}) {
    const auto permuted = selection_of(anchors.index_select(1, order), recorded);
    EXPECT_EQ(rows_that_agree(permuted, expected), B * N * 4) << recorded;
  }
  EXPECT_EQ(rows_that_agree(selection_of(anchors, false), selected), B * N * 4);
}

TEST_F(Router, RoutesEachAssetByItself) {
  auto changed = anchors_.clone();
  changed[1].mul_(0.5);
  const auto before = routing_of(config_, anchors_).importance;
  const auto after = routing_of(config_, changed).importance;
  EXPECT_TRUE(all_close(after[0], before[0], 1e-6));
  EXPECT_GT(change(after[1], before[1]), 1e-3);
}

TEST_F(Router, SamplesInTrainingOnlyAndOnlyWithAGenerator) {
  const torch::NoGradGuard no_grad;
  const auto selections = [&](bool training, bool with_generator) {
    auto router = make_router(config_, training);
    int num_changes = 0;
    at::Tensor first;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const auto generator = with_generator ? std::optional(generator_for(seed, "routing"))
                                            : std::optional<at::Generator>();
      const auto selected = router->forward(anchors_, generator).selected;
      first = first.defined() ? first : selected;
      num_changes += at::equal(selected, first) ? 0 : 1;
    }
    return num_changes;
  };
  EXPECT_GT(selections(true, true), 0);
  EXPECT_EQ(selections(false, true), 0);
  EXPECT_EQ(selections(true, false), 0);
  config_.router.stochastic = false;  // Table 3E
  EXPECT_EQ(selections(true, true), 0);
}

TEST_F(Router, LearnsFromImportance) {
  auto router = make_router(config_, true);
  router->forward(anchors_, generator_for(0, "routing")).importance.square().sum().backward();
  for (const auto& item : router->named_parameters()) {
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
  }
}

}  // namespace
}  // namespace moca::dit
