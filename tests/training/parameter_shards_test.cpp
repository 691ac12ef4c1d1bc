#include "src/training/parameter_shards.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/ranks.h"

namespace moca::training {
namespace {

std::vector<at::Tensor> of_sizes(const std::vector<int64_t>& sizes) {
  std::vector<at::Tensor> tensors;
  for (const int64_t size : sizes) {
    tensors.push_back(at::zeros({size}));
  }
  return tensors;
}

TEST(ParameterShards, HoldAboutTheSameEverywhere) {
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < 50; ++i) {
    sizes.push_back(1 + (i * 37) % 100);
  }
  const auto shards = shards_of(of_sizes(sizes), 0, 4, true);
  std::vector<int64_t> held(4, 0);
  for (size_t i = 0; i < sizes.size(); ++i) {
    held[shards.owners[i]] += sizes[i];
  }
  const auto [least, most] = std::minmax_element(held.begin(), held.end());
  EXPECT_LE(*most - *least, 10) << "of " << *most;
}

TEST(ParameterShards, AreDividedAlikeOnEveryRankAndEachHasOneOwner) {
  const auto parameters = of_sizes({5, 9, 1, 7, 7, 3});
  const auto first = shards_of(parameters, 0, 3, true);
  for (size_t i = 0; i < parameters.size(); ++i) {
    int owners = 0;
    for (int rank = 0; rank < 3; ++rank) {
      const auto shards = shards_of(parameters, rank, 3, true);
      EXPECT_EQ(shards.owners, first.owners);
      owners += shards.is_mine(i) ? 1 : 0;
    }
    EXPECT_EQ(owners, 1);
  }
}

TEST(ParameterShards, NotShardedEveryRankKeepsAll) {
  const auto parameters = of_sizes({5, 9});
  for (int rank = 0; rank < 3; ++rank) {
    const auto shards = shards_of(parameters, rank, 3, false);
    EXPECT_TRUE(shards.is_mine(0) && shards.is_mine(1));
  }
}

TEST(ParameterShards, MoreRanksThanParametersLeaveSomeWithoutAny) {
  const auto shards = shards_of(of_sizes({5}), 2, 3, true);
  EXPECT_FALSE(shards.is_mine(0));
}

TEST(ParameterShards, UpdatesOfEveryOwnerReachAll) {
  for (const auto& result : testing::run_ranks(2, [](distributed::ProcessGroup& group) {
         std::vector<at::Tensor> parameters;
         for (int i = 0; i < 3; ++i) {  // what this rank made of them
           parameters.push_back(at::full({2}, 10.0 * group.rank() + i).requires_grad_());
         }
         std::string text;
         for (const bool sharded : {false, true}) {
           const ParameterShards shards{group.rank(),
                                        sharded ? std::vector{1, 0, 1} : std::vector<int>()};
           const c10::NoGradGuard no_grad;
           share_updates(group, parameters, shards);
           for (const auto& parameter : parameters) {
             text += std::to_string(parameter[0].item<int64_t>()) + " ";
           }
         }
         return std::to_string(group.rank()) + ": " + text;
       })) {
    EXPECT_THAT(result.text, ::testing::AnyOf("0: 0 1 2 10 1 12 ", "1: 10 11 12 10 1 12 "));
  }
}

}  // namespace
}  // namespace moca::training
