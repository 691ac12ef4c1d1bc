#include "moca/dit/dit_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dit/small_dit.h"
#include "tests/support/refusal.h"

namespace moca::dit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::refusal;

std::vector<int64_t> global_blocks_of(const DitConfig& config) {
  std::vector<int64_t> blocks;
  for (int64_t block = 0; block < config.num_layers; ++block) {
    if (config.is_global(block)) {
      blocks.push_back(block);
    }
  }
  return blocks;
}

// Which blocks of a model have a router.
std::vector<int64_t> routed_blocks_of(const DitConfig& config) {
  std::vector<int64_t> blocks;
  const auto dit = make(config);
  for (int64_t block = 0; block < config.num_layers; ++block) {
    if (dit->named_parameters().contains("blocks." + std::to_string(block) +
                                         ".router.to_q.weight")) {
      blocks.push_back(block);
    }
  }
  return blocks;
}

TEST(DitConfig, EvenBlocksAreGlobalUnlessTheyAreNamed) {
  auto config = small_config();
  EXPECT_THAT(global_blocks_of(config), ElementsAre(0, 2, 4));
  EXPECT_THAT(routed_blocks_of(config), ElementsAre(0, 2, 4));
  config.global_blocks = {1, 4};
  EXPECT_THAT(global_blocks_of(config), ElementsAre(1, 4));
  EXPECT_THAT(routed_blocks_of(config), ElementsAre(1, 4));
}

TEST(DitConfig, TheDenseBaselineHasNeitherRouterNorPacking) {
  auto config = small_config();
  config.global_attention = GlobalAttentionKind::kDense;
  EXPECT_THAT(routed_blocks_of(config), ElementsAre());
  const auto dense = make(config);
  for (const auto& item : dense->named_parameters()) {
    EXPECT_THAT(item.key(), ::testing::Not(HasSubstr("packing")));
  }
}

TEST(DitConfig, WithoutGlobalAttentionEveryBlockIsLocal) {
  auto config = small_config();
  config.global_attention = GlobalAttentionKind::kNone;
  EXPECT_THAT(global_blocks_of(config), ElementsAre());
  EXPECT_THAT(routed_blocks_of(config), ElementsAre());
}

TEST(DitConfig, RefusesSizesThatDoNotFit) {
  const auto refusal_with = [](auto&& set) {
    auto config = small_config();
    set(config);
    return refusal([&] { config.validate("dit"); });
  };
  EXPECT_EQ(refusal_with([](DitConfig&) {}), "accepted");
  EXPECT_EQ(refusal_with([](DitConfig& c) { c.width = 30; }),
            "dit.width (30) must be a multiple of dit.num_heads (4).");
  EXPECT_EQ(refusal_with([](DitConfig& c) { c.width = c.num_heads = 5; }),
            "dit.width (5) must be even.");
  EXPECT_EQ(refusal_with([](DitConfig& c) {
              c.global_blocks = {0, 5};
            }),
            "dit.global_blocks names block 5, but dit.num_layers is 5: use 0 to 4.");
}

}  // namespace
}  // namespace moca::dit
