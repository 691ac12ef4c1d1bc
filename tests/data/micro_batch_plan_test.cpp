#include "moca/data/micro_batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

namespace moca::data {
namespace {

using ::testing::ElementsAre;

const std::vector<int64_t> kNumComponents = {2, 8, 3, 5, 1, 7, 4, 6, 2, 3};

// All samples of the first steps, in order.
std::vector<int64_t> sequence(MicroBatchPlan plan, const MicroBatchRule& rule, int64_t num_steps) {
  std::vector<int64_t> seen;
  for (int64_t step = 0; step < num_steps; ++step) {
    for (int64_t index = 0; index < rule.num_micro_batches; ++index) {
      const auto& samples = plan.samples({step, index});
      seen.insert(seen.end(), samples.begin(), samples.end());
    }
  }
  return seen;
}

std::vector<int64_t> in_order(size_t count) {
  DataOrder order(static_cast<int64_t>(kNumComponents.size()), 3);
  std::vector<int64_t> samples;
  for (size_t position = 0; position < count; ++position) {
    samples.push_back(order.sample(static_cast<int64_t>(position)));
  }
  return samples;
}

TEST(MicroBatchPlan, TakesTheSamplesInTheirOrderAndNoneTwice) {
  for (const MicroBatchRule& rule : {MicroBatchRule{1, 4, 0}, MicroBatchRule{3, 2, 0},
                                     MicroBatchRule{1, 1, 12}, MicroBatchRule{4, 1, 9}}) {
    const auto seen = sequence(MicroBatchPlan(kNumComponents, rule, 3), rule, 12);
    EXPECT_EQ(seen, in_order(seen.size()))
        << rule.num_micro_batches << " micro-batches of at most " << rule.max_components;
  }
}

TEST(MicroBatchPlan, FillsAMicroBatchUntilTheNextSampleDoesNotFit) {
  MicroBatchPlan plan({4, 4, 4}, {2, 1, 11}, 3);
  for (int64_t step = 0; step < 5; ++step) {
    EXPECT_EQ(plan.samples({step, 0}).size(), 2U);
    EXPECT_EQ(plan.samples({step, 1}).size(), 2U);
  }
  const MicroBatchRule rule{3, 1, 10};
  MicroBatchPlan mixed(kNumComponents, rule, 3);
  std::vector<int64_t> following = in_order(1000);
  size_t position = 0;
  for (int64_t step = 0; step < 20; ++step) {
    for (int64_t index = 0; index < 3; ++index) {
      int64_t held = 0;
      for (const int64_t sample : mixed.samples({step, index})) {
        held += kNumComponents[sample];
        ++position;
      }
      EXPECT_LE(held, 10);
      EXPECT_GT(held + kNumComponents[following[position]], 10) << "the next one would have fitted";
    }
  }
}

TEST(MicroBatchPlan, GoesToAnyStepAsIfItHadNeverStopped) {
  for (const MicroBatchRule& rule : {MicroBatchRule{2, 3, 0}, MicroBatchRule{2, 1, 10}}) {
    MicroBatchPlan whole(kNumComponents, rule, 3);
    MicroBatchPlan jumping(kNumComponents, rule, 3);
    std::vector<std::vector<int64_t>> expected;
    for (int64_t step = 0; step < 30; ++step) {
      expected.push_back(whole.samples({step, 1}));
    }
    for (const int64_t step : {17, 3, 4, 29, 0}) {
      EXPECT_EQ(jumping.samples({step, 1}), expected[step]) << "step " << step;
    }
  }
}

TEST(MicroBatchPlan, WeighsAMicroBatchByItsShareOfTheStepsComponents) {
  const MicroBatchRule rule{3, 1, 10};
  MicroBatchPlan plan(kNumComponents, rule, 3);
  for (int64_t step = 0; step < 5; ++step) {
    std::vector<int64_t> held;
    for (int64_t index = 0; index < 3; ++index) {
      held.push_back(0);
      for (const int64_t sample : plan.samples({step, index})) {
        held.back() += kNumComponents[sample];
      }
    }
    const auto all = static_cast<double>(std::accumulate(held.begin(), held.end(), int64_t{0}));
    for (int64_t index = 0; index < 3; ++index) {
      EXPECT_DOUBLE_EQ(plan.weight({step, index}), static_cast<double>(held[index]) / all);
    }
  }
  MicroBatchPlan one(kNumComponents, {1, 4, 0}, 3);
  EXPECT_EQ(one.weight({2, 0}), 1.0) << "exactly: a step of one part is not scaled";
}

TEST(MicroBatchPlan, CountsTheSamplesBeforeAMicroBatch) {
  MicroBatchPlan plan(kNumComponents, {3, 2, 0}, 3);
  EXPECT_THAT((std::vector<int64_t>{plan.place({4, 0}), plan.place({4, 1}), plan.place({4, 2})}),
              ElementsAre(0, 2, 4));
  MicroBatchPlan filled(kNumComponents, {3, 1, 10}, 3);
  EXPECT_EQ(filled.place({4, 2}),
            static_cast<int64_t>(filled.samples({4, 0}).size() + filled.samples({4, 1}).size()));
}

TEST(MicroBatchPlan, NeedsRoomForEverySample) {
  EXPECT_THROW(MicroBatchPlan(kNumComponents, {1, 1, 7}, 3), std::logic_error);
}

}  // namespace
}  // namespace moca::data
