// The noise of a latent source's encodings, by a VAE whose latents are nothing but that noise.
#include "src/training/latent_source.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_models.h"

namespace moca::training {
namespace {

using testing::bit_equal;
using ::testing::HasSubstr;

class NoiseOfEncodings : public testing::WithTinyDataset {
 protected:
  static LatentSource source(int64_t num_cached, uint64_t seed) {
    const double log_variance = 2 * std::log(3.0);  // a deviation of 3
    return {testing::tiny_vae_of_posterior(log_variance), dataset_, dataset_->indices_of("train"),
            num_cached, seed};
  }
};

at::Tensor latents_of(LatentSource source, int64_t asset, uint64_t seed) {
  return source.latents(source.draw({{asset, seed}}))[0];
}

// latents: [n, L, C]
void expect_no_two_alike(const at::Tensor& latents) {
  const auto rows = latents.flatten(1);  // [n, L C]
  const auto alike = (rows.unsqueeze(0) == rows.unsqueeze(1)).all(-1);
  EXPECT_TRUE(bit_equal(alike, at::eye(rows.size(0), at::kBool))) << alike;
}

TEST_F(NoiseOfEncodings, IsOfEverySeedsAndEveryComponentsOwn) {
  auto of_assets = source(0, 5);
  const auto asset = dataset_->indices_of("train")[0];
  std::vector<at::Tensor> all;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    all.push_back(latents_of(of_assets, asset, seed));
  }
  const auto latents = at::cat(all);
  expect_no_two_alike(latents);
  const double count = static_cast<double>(latents.numel());
  EXPECT_GT(count, 600);
  EXPECT_NEAR(latents.mean().item<double>() / 3, 0.0, 4 / std::sqrt(count));
  EXPECT_NEAR(latents.std().item<double>() / 3, 1.0, 4 / std::sqrt(2 * count));
  EXPECT_TRUE(bit_equal(latents_of(source(0, 6), asset, 7), all[7])) << "the seed asked for alone";
}

TEST_F(NoiseOfEncodings, IsDrawnAnewForEveryAssetAndEveryCachedEncoding) {
  for (const int64_t num_cached : {0, 3}) {
    const auto latents = source(num_cached, 5).samples();
    expect_no_two_alike(latents);
    EXPECT_TRUE(bit_equal(source(num_cached, 5).samples(), latents));
    expect_no_two_alike(at::cat({latents, source(num_cached, 6).samples()}));
  }
}

TEST_F(NoiseOfEncodings, IsThatOfTheAssetAloneWhereSeveralAreEncodedAtOnce) {
  for (const int64_t num_cached : {0, 2}) {
    auto of_assets = source(num_cached, 5);
    const auto assets = dataset_->indices_of("train");
    const std::vector<LatentRequest> requests = {{assets[2], 8}, {assets[0], 7}, {assets[2], 9}};
    const auto found = of_assets.latents(of_assets.draw(requests));
    ASSERT_EQ(found.size(), 3U);
    for (size_t i = 0; i < found.size(); ++i) {
      const auto [asset, seed] = requests[i];
      EXPECT_TRUE(bit_equal(found[i], latents_of(of_assets, asset, seed))) << i;
    }
  }
}

TEST_F(NoiseOfEncodings, ThatIsNotFiniteIsNoSampleOfTheStatistics) {
  LatentSource broken(testing::tiny_vae_of_posterior(std::numeric_limits<double>::quiet_NaN()),
                      dataset_, dataset_->indices_of("train"), 0, 5);
  EXPECT_THAT(testing::refusal([&] { broken.samples(); }),
              HasSubstr("no component of the dataset has finite latents"));
}

}  // namespace
}  // namespace moca::training
