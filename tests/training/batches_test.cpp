#include "moca/training/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/refusal.h"

namespace moca::training {
namespace {

using ::testing::ElementsAre;

TEST(MicroBatchShare, SkipsTheMicroBatchesOfOtherRanks) {
  const MicroBatchShare share{1, 2, 6};
  EXPECT_THAT(share.of_step(4), ElementsAre(MicroBatch{4, 1}, MicroBatch{4, 3}, MicroBatch{4, 5}));
  EXPECT_EQ(share.after({4, 3}), (MicroBatch{4, 5}));
  EXPECT_EQ(share.after({4, 5}), (MicroBatch{5, 1}));
  EXPECT_FALSE(share.is_last({4, 3}));
  EXPECT_TRUE(share.is_last({4, 5}));
}

TEST(MicroBatchShare, OfAllRanksTogetherIsTheStep) {
  TrainingConfig config;
  config.micro_batches = 6;
  for (const int world_size : {1, 2, 3, 6}) {
    std::vector<int64_t> indices;
    for (int rank = 0; rank < world_size; ++rank) {
      for (const auto batch : share_of(rank, world_size, config).of_step(0)) {
        indices.push_back(batch.index);
      }
    }
    EXPECT_THAT(indices, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5)) << world_size;
  }
}

TEST(MicroBatchShare, ThatCannotBeEvenIsRefused) {
  TrainingConfig config;
  config.micro_batches = 6;
  EXPECT_THAT(
      testing::refusal([&] { share_of(0, 4, config); }),
      ::testing::HasSubstr("training.micro_batches (6) cannot be divided among 4 processes. "
                           "Set it to a multiple of their number"));
}

}  // namespace
}  // namespace moca::training
