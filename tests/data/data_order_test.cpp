#include "moca/data/data_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

namespace moca::data {
namespace {

// The first `num_samples` samples a run sees when its steps take `batch_size` each.
std::vector<int64_t> sequence(int64_t count, uint64_t seed, int64_t batch_size,
                              int64_t num_samples) {
  DataOrder order(count, seed);
  std::vector<int64_t> seen;
  for (int64_t step = 0; step * batch_size < num_samples; ++step) {
    const auto batch = order.batch(step, batch_size);
    seen.insert(seen.end(), batch.begin(), batch.end());
  }
  return seen;
}

TEST(DataOrder, ShowsEverySampleOnceInEveryEpoch) {
  const auto seen = sequence(10, 3, 4, 60);
  std::vector<int64_t> all(10);
  std::iota(all.begin(), all.end(), 0);
  for (int64_t epoch = 0; epoch < 6; ++epoch) {
    const auto begin = seen.begin() + 10 * epoch;
    EXPECT_THAT(std::vector<int64_t>(begin, begin + 10), ::testing::UnorderedElementsAreArray(all))
        << "epoch " << epoch;
  }
}

TEST(DataOrder, DrawsANewPermutationEveryEpoch) {
  const auto seen = sequence(10, 3, 10, 200);
  std::set<std::vector<int64_t>> permutations;
  for (auto begin = seen.begin(); begin != seen.end(); begin += 10) {
    permutations.emplace(begin, begin + 10);
  }
  EXPECT_EQ(permutations.size(), 20U);
}

TEST(DataOrder, DrawsEveryPermutationEquallyOften) {
  constexpr int kEpochs = 6000;
  const auto seen = sequence(3, 8, 3, 3 * kEpochs);
  std::map<std::vector<int64_t>, int> counts;
  for (auto begin = seen.begin(); begin != seen.end(); begin += 3) {
    ++counts[{begin, begin + 3}];
  }
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [permutation, count] : counts) {
    EXPECT_NEAR(count, kEpochs / 6, 150) << ::testing::PrintToString(permutation);  // 5 sigma
  }
}

TEST(DataOrder, ContinuesAtAnyStepAsIfItHadNeverStopped) {
  DataOrder whole(10, 3);
  for (int64_t step = 0; step < 20; ++step) {
    const auto expected = whole.batch(step, 3);
    EXPECT_EQ(DataOrder(10, 3).batch(step, 3), expected) << "resumed at step " << step;
  }
  EXPECT_EQ(whole.batch(2, 3), DataOrder(10, 3).batch(2, 3)) << "after going back";
}

TEST(DataOrder, IsTheSameSequenceForEveryBatchSize) {
  const auto expected = sequence(7, 1, 1, 84);
  for (const int64_t batch_size : {2, 3, 12, 42}) {
    EXPECT_EQ(sequence(7, 1, batch_size, 84), expected) << "batch size " << batch_size;
  }
}

TEST(DataOrder, FollowsTheSeed) { EXPECT_NE(sequence(10, 3, 10, 10), sequence(10, 4, 10, 10)); }

TEST(DataOrder, NeedsASample) { EXPECT_THROW(DataOrder(0, 1), std::logic_error); }

}  // namespace
}  // namespace moca::data
