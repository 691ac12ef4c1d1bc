#include "moca/vae/vecset_vae.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/latent_statistics.h"
#include "tests/support/counted_flops.h"
#include "tests/support/fixture.h"
#include "tests/support/tensor_matchers.h"
#include "tests/vae/centred_field.h"

namespace moca::vae {
namespace {

using testing::all_close;

VaeConfig vecset_config() {
  VaeConfig config;
  config.latent_channels = 8;
  config.num_heads = 4;
  config.width_encoder = 32;
  config.width_decoder = 64;
  config.num_layers_encoder = 2;
  config.num_layers_decoder = 3;
  config.num_tokens = 24;
  return config;
}

class DecoderFixture : public testing::FixtureTest {
 protected:
  DecoderFixture() : FixtureTest("vae_decoder") {}

  VaeConfig config() const {
    const auto& model = description_.at("model");
    VaeConfig config;
    config.latent_channels = model.at("latent_channels");
    config.num_heads = model.at("num_attention_heads");
    config.width_encoder = model.at("width_encoder");
    config.width_decoder = model.at("width_decoder");
    config.num_layers_encoder = model.at("num_layers_encoder");
    config.num_layers_decoder = model.at("num_layers_decoder");
    config.num_frequencies = model.at("embed_frequency");
    return config;
  }
};

INSTANTIATE_TEST_SUITE_P(From, DecoderFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(DecoderFixture, DecodesTheFieldThatTripoSGDecodes) {
  VecsetVae vae(config());
  testing::load_fixture_weights(*vae, *file_, "encoder.", "encoder.");
  auto queries = input("queries").requires_grad_();
  const auto hidden = vae->decode(input("z"));
  const auto field = vae->query_field(hidden, queries);
  EXPECT_TRUE(all_close(hidden, output("kv_cache"), 5e-5));
  EXPECT_TRUE(all_close(field.unsqueeze(-1), output("sample"), 5e-5));
  const auto gradient = torch::autograd::grad({field.sum()}, {queries})[0];
  EXPECT_TRUE(all_close(gradient, output("grad_sample_wrt_queries"), 5e-5));
}

TEST(VecsetVae, HasTheParametersOfTheReleasedCheckpoint) {
  const VecsetVae vae(VaeConfig{});
  int64_t count = 0;
  for (const auto& parameter : vae->parameters()) {
    count += parameter.numel();
  }
  EXPECT_EQ(vae->parameters().size(), 356U);
  EXPECT_EQ(count, 242662017);
}

struct Surface {
  at::Tensor points;
  at::Tensor normals;
};

Surface random_surface() {
  const auto points = at::randn({3, 200, 3}, generator_for(2, "surface"), at::TensorOptions());
  const auto normals = points / points.norm(2, -1, true);
  return {normals * 0.5, normals};
}

TEST(VecsetVae, EncodesTheSameForTheSameSeed) {
  torch::manual_seed(0);
  VecsetVae vae(vecset_config());
  const auto [points, normals] = random_surface();
  const auto first = vae->encode(points, normals, generator_for(4, "encode"));
  const auto again = vae->encode(points, normals, generator_for(4, "encode"));
  const auto other = vae->encode(points, normals, generator_for(5, "encode"));
  EXPECT_TRUE(testing::bit_equal(again.mean, first.mean));
  EXPECT_FALSE(at::equal(other.mean, first.mean));
}

TEST(VecsetVae, EncodesEveryComponentByItself) {
  torch::manual_seed(0);
  VecsetVae vae(vecset_config());
  const auto [points, normals] = random_surface();
  const auto together = vae->encode(points, normals, generator_for(4, "encode"));
  const auto alone =
      vae->encode(points.narrow(0, 1, 1), normals.narrow(0, 1, 1), generator_for(4, "encode"));
  EXPECT_TRUE(all_close(alone.mean[0], together.mean[1], 1e-5));
}

TEST(VecsetVae, RefusesFewerPointsThanTokens) {
  VecsetVae vae(vecset_config());
  const auto points = at::zeros({1, 10, 3});
  EXPECT_THROW(vae->encode(points, points, generator_for(0, "encode")), c10::Error);
}

TEST(Posterior, KlIsZeroForAStandardNormalOnly) {
  const auto zeros = at::zeros({2, 3, 4});
  EXPECT_EQ((Posterior{zeros, zeros}).kl().item<double>(), 0.0);
  EXPECT_NEAR((Posterior{zeros + 2.0, zeros}).kl().item<double>(), 2.0, 1e-6);
}

TEST(LatentStatistics, RestoreUndoesStandardise) {
  LatentStatistics statistics(4);
  const auto latents = at::randn({50, 6, 4}) * at::tensor({1.0, 2.0, 0.1, 5.0}) + 3.0;
  statistics->measure(latents);
  const auto standardised = statistics->standardise(latents);
  EXPECT_TRUE(all_close(standardised.flatten(0, 1).mean(0), at::zeros({4}), 1e-4));
  EXPECT_TRUE(all_close(standardised.flatten(0, 1).std(0, false), at::ones({4}), 1e-4));
  EXPECT_TRUE(all_close(statistics->restore(standardised), latents, 1e-5));
}

TEST(ComponentDecoder, GivesOneMeshPerComponentOnTheFieldsZero) {
  torch::manual_seed(3);
  VecsetVae vae(vecset_config());
  DecoderConfig config;
  config.resolution = 33;
  config.coarse_resolution = 17;
  const auto latents = at::randn({2, 24, 8}, generator_for(1, "latents"), at::TensorOptions());
  testing::centre_field(vae, latents);
  const auto meshes = decode_components(vae, latents, config);
  ASSERT_EQ(meshes.size(), 2U);
  const torch::NoGradGuard no_grad;
  for (int64_t i = 0; i < 2; ++i) {
    ASSERT_FALSE(meshes[i].empty());
    // Inside the lattice, vertices lie where the field is small against its spread.
    std::vector<float> coordinates;
    for (const auto& vertex : meshes[i].vertices) {
      if (vertex.cwiseAbs().maxCoeff() < 0.99F) {
        coordinates.insert(coordinates.end(), vertex.data(), vertex.data() + 3);
      }
    }
    ASSERT_FALSE(coordinates.empty());
    const auto points = at::tensor(coordinates).view({1, -1, 3});
    const auto hidden = vae->decode(latents.narrow(0, i, 1));
    const auto at_vertices = vae->query_field(hidden, points).abs().mean().item<double>();
    const auto anywhere =
        vae->query_field(hidden, at::rand({1, 2000, 3}) * 2 - 1).std().item<double>();
    EXPECT_LT(at_vertices, 0.5 * anywhere);
  }
}

TEST(ComponentDecoder, NamesTheResolutionsThatFit) {
  DecoderConfig config;
  config.resolution = 100;
  config.coarse_resolution = 33;
  try {
    config.validate("decoder");
    FAIL() << "100 was accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "decoder.resolution (100) must be (decoder.coarse_resolution - 1) * 2^n + 1; with "
                 "coarse_resolution 33 that is 65, 129, ...");
  }
}

TEST(VaeConfig, CountsTheOperationsOfItsLayers) {
  auto vae = testing::tiny_vae();
  const auto& config = vae->config();
  const auto points = at::rand({1, 32, 3}) - 0.5;
  Posterior posterior;
  const double of_encoder = testing::counted_linear_flops(
      [&] { posterior = vae->encode(points, points, at::detail::createCPUGenerator()); });
  const double encoder_pairs = 8 * 32 + 8 * 8;  // tokens and points, tokens and tokens
  EXPECT_DOUBLE_EQ(config.encode_flops(32), of_encoder + 4.0 * 16 * encoder_pairs);
  const double of_decoder =
      testing::counted_linear_flops([&] { vae->query_field(vae->decode(posterior.mean), points); });
  const double decoder_pairs = 8 * 8 + 32 * 8;
  EXPECT_DOUBLE_EQ(config.decode_flops(32), of_decoder + 4.0 * 16 * decoder_pairs);
}

}  // namespace
}  // namespace moca::vae
