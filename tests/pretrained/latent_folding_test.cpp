#include "src/pretrained/latent_folding.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "moca/checkpoint/module_state.h"
#include "moca/core/file_io.h"
#include "moca/core/generator.h"
#include "moca/pretrained/load_pretrained.h"
#include "moca/pretrained/write_pretrained.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_models.h"

namespace moca::pretrained {
namespace {

using ::testing::HasSubstr;

vae::LatentStatistics some_statistics() {
  vae::LatentStatistics statistics(4);
  statistics->set(at::tensor({0.5, -1.0, 0.0, 2.0}), at::tensor({0.25, 2.0, 1.0, 0.1}));
  return statistics;
}

TEST(LatentFolding, AnExportedVaeIsTheOneBeforeFoldingToTheBit) {
  const testing::TemporaryFolder folder;
  auto vae = testing::tiny_vae(3);
  const auto statistics = some_statistics();
  write_vae(folder.path(), vae, statistics);
  auto loaded = testing::tiny_vae(4);
  load_vae_weights(loaded, folder.path());
  for (const auto& item : vae->named_parameters()) {
    EXPECT_TRUE(at::equal(loaded->named_parameters()[item.key()], item.value())) << item.key();
  }
  const auto description = describe_vae(folder.path());
  EXPECT_TRUE(at::equal(at::tensor(description.latents_mean, at::kFloat), statistics->mean()));
  EXPECT_TRUE(at::equal(at::tensor(description.latents_std, at::kFloat), statistics->std()));
}

TEST(LatentFolding, TheFoldedVaeEncodesToTheStandardisedLatents) {
  const torch::NoGradGuard no_grad;
  const testing::TemporaryFolder folder;
  auto vae = testing::tiny_vae(3);
  const auto statistics = some_statistics();
  write_vae(folder.path(), vae, statistics);
  std::filesystem::remove(folder / "vae" / kUnfoldedFile);
  EXPECT_THAT(testing::refusal([&] { describe_vae(folder.path()); }),
              HasSubstr("_unfolded names unfolded.safetensors, which is missing"));
  auto config = nlohmann::ordered_json::parse(read_file(folder / "vae" / "config.json"));
  config.erase("_unfolded");
  write_file(folder / "vae" / "config.json", config.dump());
  auto folded = testing::tiny_vae(4);
  load_vae_weights(folded, folder.path());
  const auto hidden = at::randn({2, 8, 16}, generator_for(5, "folding test"), at::TensorOptions());
  const auto before = vae->posterior(hidden);
  const auto after = folded->posterior(hidden);
  EXPECT_TRUE(at::allclose(after.mean, statistics->standardise(before.mean), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose((0.5 * after.log_variance).exp(),
                           (0.5 * before.log_variance).exp() / statistics->std(), 1e-5, 1e-5));
  const auto latents = at::randn({2, 8, 4}, generator_for(6, "folding test"), at::TensorOptions());
  EXPECT_TRUE(
      at::allclose(folded->decode(latents), vae->decode(statistics->restore(latents)), 1e-5, 1e-5));
}

TEST(LatentFolding, RefusesAnExportOfWhichOneOfTheTwoFilesWasChanged) {
  const testing::TemporaryFolder folder;
  const auto vae = testing::tiny_vae(3);
  write_vae(folder.path(), vae, some_statistics());
  auto loaded = testing::tiny_vae(4);
  EXPECT_NO_THROW(load_vae_weights(loaded, folder.path()));
  auto changed = checkpoint::state_of(*testing::tiny_vae(5));
  checkpoint::write_weights(folder / "vae/diffusion_pytorch_model.safetensors", changed, 1 << 30);
  const auto message = testing::refusal([&] { load_vae_weights(loaded, folder.path()); });
  EXPECT_THAT(message, HasSubstr("diffusion_pytorch_model.safetensors: "));
  EXPECT_THAT(message, HasSubstr("unfolded.safetensors gives with its statistics folded in"));
}

TEST(LatentFolding, AVaeWithoutStatisticsIsWrittenAsItIs) {
  const testing::TemporaryFolder folder;
  write_vae(folder.path(), testing::tiny_vae(3), vae::LatentStatistics(4));
  EXPECT_FALSE(std::filesystem::exists(folder / "vae" / kUnfoldedFile));
  EXPECT_TRUE(describe_vae(folder.path()).latents_mean.empty());
}

}  // namespace
}  // namespace moca::pretrained
