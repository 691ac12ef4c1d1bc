#include "moca/dit/block_attention.h"

#include <gtest/gtest.h>

#include "src/dit/dense_global_attention.h"
#include "src/dit/local_attention.h"
#include "src/dit/moc_global_attention.h"
#include "tests/dit/small_dit.h"

namespace moca::dit {
namespace {

template <class Kind>
bool is(const DitConfig& config, int64_t block) {
  return dynamic_cast<const Kind*>(block_attention(config, block).get()) != nullptr;
}

TEST(BlockAttention, IsLocalInLocalBlocksAndTheConfigsKindInGlobalOnes) {
  auto config = small_config();  // every even block is global
  EXPECT_TRUE(is<MocGlobalAttention>(config, 0));
  EXPECT_TRUE(is<LocalAttention>(config, 1));
  config.global_attention = GlobalAttentionKind::kDense;
  EXPECT_TRUE(is<DenseGlobalAttention>(config, 0));
  EXPECT_TRUE(is<LocalAttention>(config, 1));
  config.global_attention = GlobalAttentionKind::kNone;
  EXPECT_TRUE(is<LocalAttention>(config, 0));
}

// Of 3 compressed tokens and the anchor; the time token counts with the others.
TEST(BlockAttention, UpdatesTheAddedTokensInLocalBlocksAndWhereTheyPassInFull) {
  auto config = small_config();
  const auto updated = [&](int64_t block) {
    return block_attention(config, block)->num_updated(7);
  };
  EXPECT_EQ(updated(0), 8);
  EXPECT_EQ(updated(1), 12);
  config.compressed_tokens = CompressedTokens::kFull;
  EXPECT_EQ(updated(0), 12);
  config.global_attention = GlobalAttentionKind::kDense;
  EXPECT_EQ(updated(0), 8);
  EXPECT_EQ(updated(1), 8);
}

}  // namespace
}  // namespace moca::dit
