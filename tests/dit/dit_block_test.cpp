#include "moca/dit/dit_block.h"

#include <gtest/gtest.h>

#include "moca/nn/autocast.h"
#include "tests/dit/small_dit.h"
#include "tests/support/tensor_matchers.h"

namespace moca::dit {
namespace {

using testing::bit_equal;

DitBlock block_of(const DitConfig& config, int64_t index) {
  torch::manual_seed(3);
  DitBlock block(config, ConditionKinds{{"image", kImageWidth}}, index);
  block->eval();
  return block;
}

// Three components of one asset, the image's tokens beside them.
at::Tensor output_of(DitBlock block, const at::Tensor& tokens, const at::Tensor& skip,
                     const at::Tensor& image) {
  const torch::NoGradGuard no_grad;
  const auto layout = std::make_shared<const ComponentLayout>(at::ones({1, 3}, at::kBool));
  return block->forward(tokens, skip, {layout, {{.tokens = image}}});
}

TEST(DitBlock, TakesASkipInTheSecondHalfAlone) {
  const auto config = small_config();  // five blocks
  for (int64_t index = 0; index < 5; ++index) {
    EXPECT_EQ(block_of(config, index)->takes_skip(), index > 2) << index;
  }
}

TEST(DitBlock, LeavesTheAddedTokensOfAGlobalBlockAsTheyAre) {
  const auto config = small_config();
  const auto tokens = random_tensor({3, kL + 1 + config.num_added_tokens(), 32});
  const auto image = random_tensor({1, kT, kImageWidth});
  const auto output = output_of(block_of(config, 0), tokens, {}, image);
  EXPECT_TRUE(bit_equal(output.narrow(1, kL + 1, config.num_added_tokens()),
                        tokens.narrow(1, kL + 1, config.num_added_tokens())));
  EXPECT_GT(change(output.narrow(1, 0, kL + 1), tokens.narrow(1, 0, kL + 1)), 1e-3);
}

TEST(DitBlock, SeesConditionsWhereItsKindOfBlockDoes) {
  auto config = small_config();
  config.local_image_attention = false;
  const auto tokens = random_tensor({3, kL + 1 + config.num_added_tokens(), 32});
  const auto image = random_tensor({1, kT, kImageWidth});
  const auto moved = [&](int64_t index) {
    return change(output_of(block_of(config, index), tokens, {}, -image),
                  output_of(block_of(config, index), tokens, {}, image));
  };
  EXPECT_GT(moved(0), 1e-4) << "global";
  EXPECT_EQ(moved(1), 0.0) << "local";
}

TEST(DitBlock, KeepsTheTokensTypeUnderAutocastWithoutACondition) {
  const auto config = small_config();
  const auto tokens = random_tensor({3, kL + 1 + config.num_added_tokens(), 32}).to(at::kBFloat16);
  const auto image = random_tensor({1, kT, kImageWidth});
  const nn::Autocast autocast(at::kCPU, /*enabled=*/true);
  for (const auto& condition : {image, at::Tensor()}) {
    const auto output = output_of(block_of(config, 1), tokens, {}, condition);
    EXPECT_EQ(output.scalar_type(), at::kBFloat16) << (condition.defined() ? "image" : "none");
  }
}

}  // namespace
}  // namespace moca::dit
