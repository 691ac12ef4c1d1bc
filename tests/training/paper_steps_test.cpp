#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "moca/dit/flop_count.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/nn/flops.h"
#include "moca/vae/vecset_vae.h"

namespace moca::training {
namespace {

using dit::GlobalAttentionKind;

struct PaperStep {
  GlobalAttentionKind kind = GlobalAttentionKind::kMoc;
  int64_t num_tokens = 0;
  int64_t components_of_asset = 8;
  bool scene = false;  // the image encoder sees every instance and is trained
};

// 32 components forward and backward, their latents and image tokens computed beside. Passes: 3, or
// 4 where every block is computed once more under activation checkpointing.
double teraflops(const PaperStep& step, double passes = nn::kForwardAndBackward) {
  dit::DitConfig config;  // TripoSG's sizes
  config.global_attention = step.kind;
  config.num_compressed_tokens = step.num_tokens / 8;
  vae::VaeConfig vae;
  vae.num_tokens = step.num_tokens;
  image_encoder::ImageEncoderConfig encoder;
  encoder.num_channels = step.scene ? 7 : 3;
  const std::vector<int64_t> assets(static_cast<size_t>(32 / step.components_of_asset),
                                    step.components_of_asset);
  const auto scope = step.scene ? dit::ConditionScope::kComponent : dit::ConditionScope::kAsset;
  const dit::DitSizes sizes = {
      step.num_tokens, vae.latent_channels, {{encoder.num_image_tokens(), encoder.width, scope}}};
  const double images = step.scene ? 32.0 : static_cast<double>(assets.size());
  return 1e-12 * (passes * dit::forward_flops(config, sizes, assets) +
                  (step.scene ? nn::kForwardAndBackward : 1.0) * images * encoder.forward_flops() +
                  32.0 * vae.encode_flops(8192));
}

TEST(PaperSteps, TakeTheOperationsThatDocsTrainingSays) {
  const auto moc = GlobalAttentionKind::kMoc, dense = GlobalAttentionKind::kDense;
  EXPECT_NEAR(teraflops({moc, 512}), 160, 0.5);
  EXPECT_NEAR(teraflops({moc, 512}, 4), 212, 0.5);
  EXPECT_NEAR(teraflops({dense, 512}), 155, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024}), 347, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024}, 4), 462, 0.5);
  EXPECT_NEAR(teraflops({dense, 1024}), 349, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024, 8, true}), 366, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024, 8, true}, 4), 482, 0.5);
  EXPECT_NEAR(teraflops({dense, 1024, 8, true}), 368, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024, 32}), 374, 0.5);
  EXPECT_NEAR(teraflops({moc, 1024, 32}, 4), 497, 0.5);
  EXPECT_NEAR(teraflops({dense, 1024, 32}), 566, 0.5);
}

}  // namespace
}  // namespace moca::training
