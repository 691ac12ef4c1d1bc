// What an asset gives to the micro-batches it comes up in.
#include "src/training/asset_loader.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using testing::bit_equal;

class LoadedAssets : public testing::WithTinyDataset {
 protected:
  // One asset a micro-batch; a step of three sees the three assets of the training split.
  static DitTrainingSetup setup() {
    DitTrainingSetup setup;
    setup.denoiser = generation::ComponentDenoiser(testing::tiny_dit_config(),
                                                   testing::tiny_image_encoder_config(), 4);
    setup.vae = testing::tiny_vae();
    setup.dataset = dataset_;
    setup.config.num_cached_encodings = 0;
    setup.batches.rule.batch_size = 1;
    setup.batches.rule.num_micro_batches = setup.batches.share.num_micro_batches = 3;
    setup.batches.num_threads = 1;
    setup.batches.seed = 3;
    setup.measure_latents = false;
    return setup;
  }
};

// How many of them differ from all before.
size_t num_different(const std::vector<at::Tensor>& tensors) {
  size_t count = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    bool is_new = true;
    for (size_t j = 0; j < i; ++j) {
      is_new = is_new && !at::equal(tensors[i], tensors[j]);
    }
    count += is_new ? 1 : 0;
  }
  return count;
}

TEST_F(LoadedAssets, AreEncodedAnewAndSeenFromEveryViewStepByStep) {
  AssetLoader loader(setup());
  std::map<std::string, std::vector<at::Tensor>> latents, images;
  for (int64_t step = 0; step < 8; ++step) {
    for (const int64_t index : {0, 1, 2}) {
      const auto batch = loader.batch({step, index});
      latents[loader.asset_names({step, index})].push_back(batch.latents);
      images[loader.asset_names({step, index})].push_back(batch.inputs[0]);
    }
  }
  ASSERT_EQ(latents.size(), 3U);
  for (const auto& [asset, of_steps] : latents) {
    ASSERT_EQ(of_steps.size(), 8U);
    EXPECT_EQ(num_different(of_steps), 8U) << asset << " has the latents of another step";
    EXPECT_EQ(num_different(images.at(asset)), 2U) << asset << " has two views";
  }
}

TEST_F(LoadedAssets, AreTheSameForTheSameMicroBatch) {
  AssetLoader loader(setup()), other(setup());
  for (const int64_t step : {0, 1, 2, 3}) {
    const auto expected = loader.batch({step, 1});
    const auto batch = other.batch({step, 1});
    EXPECT_TRUE(bit_equal(batch.latents, expected.latents));
    EXPECT_TRUE(bit_equal(batch.inputs[0], expected.inputs[0]));
  }
}

}  // namespace
}  // namespace moca::training
