#include "src/training/prefetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace moca::training {
namespace {

using Loaded = std::pair<int64_t, int64_t>;  // step and index

// Loads every micro-batch of a rank over some steps and returns them as they came.
std::vector<Loaded> load_steps(int64_t num_threads, MicroBatchShare share, int64_t num_steps) {
  Prefetcher<Loaded> prefetcher(
      [](MicroBatch batch) {
        return [batch] {  // those that were asked for first take longest
          std::this_thread::sleep_for(std::chrono::microseconds(300 * (5 - batch.step % 5)));
          return Loaded{batch.step, batch.index};
        };
      },
      share, num_threads);
  std::vector<Loaded> loaded;
  for (MicroBatch batch{0, share.first}; batch.step < num_steps; batch = share.after(batch)) {
    loaded.push_back(prefetcher.get(batch));
  }
  return loaded;
}

TEST(Prefetcher, LoadsTheSameInTheSameOrderWithAnyNumberOfThreads) {
  for (const auto& share : {MicroBatchShare{0, 1, 1}, MicroBatchShare{1, 2, 6}}) {
    const auto expected = load_steps(0, share, 6);
    ASSERT_EQ(expected.size(), static_cast<size_t>(6 * share.num_micro_batches / share.stride));
    for (const int64_t num_threads : {1, 4}) {
      EXPECT_EQ(load_steps(num_threads, share, 6), expected) << num_threads << " threads";
    }
  }
}

TEST(Prefetcher, GivesWhatIsAskedForAlsoOutOfOrder) {
  Prefetcher<Loaded> prefetcher(
      [](MicroBatch batch) { return [batch] {
                               return Loaded{batch.step, batch.index};
                             }; },
      {0, 1, 2}, 2);
  for (const MicroBatch& batch : {MicroBatch{3, 1}, {4, 0}, {1, 0}, {1, 1}, {7, 0}, {7, 0}}) {
    EXPECT_EQ(prefetcher.get(batch), (Loaded{batch.step, batch.index}));
  }
}

TEST(Prefetcher, LoadsTheMicroBatchOfAStepOnceHoweverOftenItIsAskedFor) {
  for (const int64_t num_threads : {0, 2}) {
    std::atomic<int> first_loads = 0;
    Prefetcher<int> prefetcher(
        [&](MicroBatch batch) {
          return [&, batch] { return batch.step == 0 ? ++first_loads : 0; };
        },
        {0, 1, 1}, num_threads);
    EXPECT_EQ(prefetcher.get({0, 0}), 1);
    EXPECT_EQ(prefetcher.get({0, 0}), 1);
    EXPECT_EQ(prefetcher.get({1, 0}), 0);
  }
}

TEST(Prefetcher, AFailureReachesWhoAsksForThatMicroBatch) {
  Prefetcher<int> prefetcher(
      [](MicroBatch batch) {
        return [batch] { return batch.step == 2 ? throw std::runtime_error("a broken shard") : 1; };
      },
      {0, 1, 1}, 3);
  EXPECT_EQ(prefetcher.get({0, 0}), 1);
  EXPECT_EQ(prefetcher.get({1, 0}), 1);
  EXPECT_THROW(prefetcher.get({2, 0}), std::runtime_error);
}

// Ranks times loader threads: every rank sees its part of one global order.
TEST(Prefetcher, RanksTogetherSeeEveryMicroBatchOnceForAnyNumberOfRanksAndThreads) {
  std::set<Loaded> all;
  for (const auto& loaded : load_steps(0, {0, 1, 24}, 3)) {
    all.insert(loaded);
  }
  for (const int64_t num_ranks : {1, 2, 3, 4, 8}) {
    for (const int64_t num_threads : {0, 1, 4}) {
      std::set<Loaded> seen;
      size_t count = 0;
      for (int64_t rank = 0; rank < num_ranks; ++rank) {
        for (const auto& loaded : load_steps(num_threads, {rank, num_ranks, 24}, 3)) {
          seen.insert(loaded);
          ++count;
        }
      }
      EXPECT_EQ(seen, all) << num_ranks << " ranks, " << num_threads << " threads";
      EXPECT_EQ(count, all.size());
    }
  }
}

}  // namespace
}  // namespace moca::training
