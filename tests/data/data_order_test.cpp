#include "moca/data/micro_batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

namespace moca::data {
namespace {

// The first samples a run sees.
std::vector<int64_t> sequence(int64_t count, uint64_t seed, int64_t num_samples) {
  DataOrder order(count, seed);
  std::vector<int64_t> seen;
  for (int64_t position = 0; position < num_samples; ++position) {
    seen.push_back(order.sample(position));
  }
  return seen;
}

TEST(DataOrder, ShowsEverySampleOnceInEveryEpoch) {
  const auto seen = sequence(10, 3, 60);
  std::vector<int64_t> all(10);
  std::iota(all.begin(), all.end(), 0);
  for (int64_t epoch = 0; epoch < 6; ++epoch) {
    const auto begin = seen.begin() + 10 * epoch;
    EXPECT_THAT(std::vector<int64_t>(begin, begin + 10), ::testing::UnorderedElementsAreArray(all))
        << "epoch " << epoch;
  }
}

TEST(DataOrder, DrawsANewPermutationEveryEpoch) {
  const auto seen = sequence(10, 3, 200);
  std::set<std::vector<int64_t>> permutations;
  for (auto begin = seen.begin(); begin != seen.end(); begin += 10) {
    permutations.emplace(begin, begin + 10);
  }
  EXPECT_EQ(permutations.size(), 20U);
}

TEST(DataOrder, DrawsEveryPermutationEquallyOften) {
  constexpr int kEpochs = 6000;
  const auto seen = sequence(3, 8, 3 * kEpochs);
  std::map<std::vector<int64_t>, int> counts;
  for (auto begin = seen.begin(); begin != seen.end(); begin += 3) {
    ++counts[{begin, begin + 3}];
  }
  ASSERT_EQ(counts.size(), 6U);
  for (const auto& [permutation, count] : counts) {
    EXPECT_NEAR(count, kEpochs / 6, 150) << ::testing::PrintToString(permutation);  // 5 sigma
  }
}

TEST(DataOrder, ContinuesAnywhereAsIfItHadNeverStopped) {
  const auto whole = sequence(10, 3, 60);
  DataOrder order(10, 3);
  for (const int64_t position : {59, 0, 25, 26, 9, 10}) {
    EXPECT_EQ(DataOrder(10, 3).sample(position), whole[position]) << "resumed at " << position;
    EXPECT_EQ(order.sample(position), whole[position]) << "after going back and forth";
  }
}

TEST(DataOrder, FollowsTheSeed) { EXPECT_NE(sequence(10, 3, 10), sequence(10, 4, 10)); }

TEST(DataOrder, NeedsASample) { EXPECT_THROW(DataOrder(0, 1), std::logic_error); }

}  // namespace
}  // namespace moca::data
