#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/mesh/scene_ops.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/latent_statistics.h"
#include "moca/vae/vecset_vae.h"
#include "tests/ops/finite_differences.h"
#include "tests/support/refusal.h"
#include "tests/support/tensor_matchers.h"
#include "tests/support/tiny_models.h"
#include "tests/vae/centred_field.h"

namespace moca::vae {
namespace {

using testing::all_close;
using testing::bit_equal;

VaeConfig small_config() {
  VaeConfig config = testing::tiny_vae_config();
  config.num_tokens = 6;
  return config;
}

VecsetVae make_vae() {
  torch::manual_seed(11);
  return VecsetVae(small_config());
}

at::Tensor draw(at::IntArrayRef sizes, uint64_t index) {
  return at::randn(sizes, generator_for(6, "vae test", 0, index), at::TensorOptions());
}

// Points of the unit sphere; they are their own normals.
at::Tensor draw_sphere(int64_t n, int64_t P) {
  const auto points = draw({n, P, 3}, 0);
  return points / points.norm(2, -1, true);
}

TEST(VecsetVae, ReadsTheSurfaceAsASet) {
  // With as many points as tokens every point becomes a token, whatever the draw; their order is
  // all that the seed and the order of the points decide, and the field forgets it.
  auto vae = make_vae();
  const torch::NoGradGuard no_grad;
  const auto points = draw_sphere(2, 6);
  const auto queries = draw({2, 9, 3}, 1);
  const auto field_of = [&](const at::Tensor& surface, uint64_t seed) {
    const auto posterior = vae->encode(surface * 0.8, surface, generator_for(seed, "encode"));
    return vae->query_field(vae->decode(posterior.mean), queries);
  };
  const auto expected = field_of(points, 1);
  EXPECT_TRUE(all_close(field_of(points, 2), expected, 1e-5));
  const auto order = at::tensor({5, 2, 0, 4, 1, 3}, at::kLong);
  EXPECT_TRUE(all_close(field_of(points.index_select(1, order), 1), expected, 1e-5));
  // Points and normals must stay together.
  const auto torn =
      vae->encode(points * 0.8, points.index_select(1, order), generator_for(1, "encode"));
  EXPECT_FALSE(all_close(vae->query_field(vae->decode(torn.mean), queries), expected, 1e-5));
}

TEST(VecsetVae, DecodesLatentTokensAsASet) {
  auto vae = make_vae();
  const torch::NoGradGuard no_grad;
  const auto latents = draw({2, 6, 4}, 2);
  const auto queries = draw({2, 9, 3}, 3);
  const auto order = at::tensor({5, 2, 0, 4, 1, 3}, at::kLong);
  const auto hidden = vae->decode(latents);
  const auto permuted = vae->decode(latents.index_select(1, order));
  EXPECT_TRUE(all_close(permuted, hidden.index_select(1, order), 1e-5));
  EXPECT_TRUE(
      all_close(vae->query_field(permuted, queries), vae->query_field(hidden, queries), 1e-5));
}

TEST(VecsetVae, AnswersEveryQueryAndEveryComponentByItself) {
  auto vae = make_vae();
  const torch::NoGradGuard no_grad;
  const auto hidden = vae->decode(draw({3, 6, 4}, 4));
  const auto queries = draw({3, 10, 3}, 5);
  const auto field = vae->query_field(hidden, queries);
  EXPECT_EQ(field.sizes(), (at::IntArrayRef{3, 10}));
  EXPECT_TRUE(
      all_close(vae->query_field(hidden, queries.narrow(1, 4, 3)), field.narrow(1, 4, 3), 1e-5));
  EXPECT_TRUE(all_close(vae->query_field(hidden.narrow(0, 1, 1), queries.narrow(0, 1, 1))[0],
                        field[1], 1e-5));
  EXPECT_TRUE(bit_equal(vae->query_prepared(vae->prepare_queries(hidden), queries), field));
}

TEST(VecsetVae, HasAFieldWhoseGradientIsThatOfItsValues) {
  auto vae = make_vae();
  const auto hidden = vae->decode(draw({1, 6, 4}, 6)).detach();
  // The field comes out in float.
  EXPECT_TRUE(testing::has_right_gradient(
      [&](const at::Tensor& queries) { return vae->query_field(hidden, queries).sum(); },
      draw({1, 5, 3}, 7) * 0.5, 2e-3, 3e-3));
}

TEST(VecsetVae, LetsGradientsFromTheFieldReachEveryParameter) {
  auto vae = make_vae();
  const auto surface = draw_sphere(2, 30);
  const auto posterior = vae->encode(surface * 0.8, surface, generator_for(1, "encode"));
  const auto latents = posterior.sample(draw({2, 6, 4}, 8));
  vae->query_field(vae->decode(latents), draw({2, 9, 3}, 9)).square().sum().backward();
  for (const auto& item : vae->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0.0) << item.key();
  }
}

TEST(VecsetVae, NamesWrongShapes) {
  auto vae = make_vae();
  const auto refusal = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const c10::Error& error) {
      return error.what();
    }
    return "";
  };
  const auto points = at::zeros({2, 8, 3});
  const auto generator = generator_for(0, "encode");
  EXPECT_NE(refusal([&] {
              vae->encode(points, points.narrow(1, 0, 7), generator);
            }).find("surface_normals [n, P, 3] = [2, 8, 3], got [2, 7, 3]"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              vae->encode(points.narrow(1, 0, 5), points.narrow(1, 0, 5), generator);
            }).find("at least L = 6 surface points, got P = 5"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              vae->decode(at::zeros({6, 4}));
            }).find("latents [n, L, C]"),
            std::string::npos);
  const auto hidden = vae->decode(at::zeros({1, 6, 4}));
  EXPECT_NE(refusal([&] {
              vae->query_field(hidden, at::zeros({1, 5, 2}));
            }).find("query_points [n, Q, 3]"),
            std::string::npos);
}

TEST(VaeConfig, RefusesWidthsThatDoNotDivideIntoHeads) {
  VaeConfig config = small_config();
  EXPECT_NO_THROW(config.validate("vae"));
  config.width_decoder = 25;
  EXPECT_EQ(testing::refusal([&] { config.validate("vae"); }),
            "vae.width_decoder (25) must be a multiple of vae.num_heads (2).");
}

TEST(Posterior, KlIsTheClosedFormOfTwoNormals) {
  for (const double deviation : {0.1, 1.0, 3.0}) {
    for (const double mean : {-1.0, 0.0, 2.0}) {
      const Posterior posterior{at::full({2, 3, 4}, mean),
                                at::full({2, 3, 4}, 2 * std::log(deviation))};
      const double expected = -std::log(deviation) + (deviation * deviation + mean * mean - 1) / 2;
      EXPECT_NEAR(posterior.kl().item<double>(), expected, 1e-5);
    }
  }
}

TEST(Posterior, KlPullsMeanToZeroAndVarianceToOne) {
  const auto mean = draw({2, 3, 4}, 10).requires_grad_();
  const auto log_variance = draw({2, 3, 4}, 11).requires_grad_();
  const auto gradients =
      torch::autograd::grad({Posterior{mean, log_variance}.kl()}, {mean, log_variance});
  const auto count = static_cast<double>(mean.numel());
  EXPECT_TRUE(all_close(gradients[0], mean / count, 1e-6));
  EXPECT_TRUE(all_close(gradients[1], (log_variance.exp() - 1.0) / (2 * count), 1e-6));
}

TEST(Posterior, SamplesWithItsMeanAndDeviation) {
  const Posterior posterior{at::full({1, 20000, 2}, 1.5),
                            at::tensor({0.0, 2 * std::log(0.2)}, at::kFloat).expand({1, 20000, 2})};
  const auto samples = posterior.sample(draw({1, 20000, 2}, 12))[0];
  EXPECT_TRUE(all_close(samples.mean(0), at::tensor({1.5, 1.5}), 0.03));
  EXPECT_TRUE(all_close(samples.std(0, false), at::tensor({1.0, 0.2}), 0.03));
  EXPECT_TRUE(bit_equal(posterior.sample(at::zeros({1, 20000, 2})), posterior.mean));
}

// The mean comes first in what `quant` gives, the log of the variance second, as in diffusers.
TEST(Posterior, TakesItsMeanFromTheFirstHalfOfTheChannels) {
  auto vae = make_vae();
  const torch::NoGradGuard no_grad;
  auto parameters = vae->named_parameters();
  parameters["quant.weight"].zero_();
  parameters["quant.bias"].narrow(0, 0, 4).fill_(3.0);
  parameters["quant.bias"].narrow(0, 4, 4).fill_(-2.0);
  const auto posterior = vae->posterior(draw({1, 6, 16}, 20));
  EXPECT_TRUE(bit_equal(posterior.mean, at::full({1, 6, 4}, 3.0)));
  EXPECT_TRUE(bit_equal(posterior.log_variance, at::full({1, 6, 4}, -2.0)));
}

TEST(VecsetVae, SeesTheEmbeddedPointsAndThenTheirNormals) {
  const auto vae = make_vae();
  const auto points = draw_sphere(1, 7);
  const auto normals = draw({1, 7, 3}, 21);
  const auto surface = vae->embed_surface(points, normals);
  EXPECT_TRUE(bit_equal(surface.narrow(2, 0, 3), points));
  EXPECT_TRUE(bit_equal(surface.narrow(2, surface.size(2) - 3, 3), normals));
}

TEST(VecsetVae, StartsItsTokensAtCandidatesThatAreFarApart) {
  const auto vae = make_vae();
  // Six places, five of them held by one candidate only: every place must become a token.
  auto points = at::zeros({1, 30, 3});
  for (int64_t i = 0; i < 5; ++i) {
    points[0][5 * i + 3].copy_(draw({3}, 30 + i));
  }
  const auto candidates = at::arange(3, 27);  // rows of the points, not counted from 0
  const auto rows = vae->choose_token_points(points, candidates)[0];
  EXPECT_GE(rows.min().item<int64_t>(), 3);
  EXPECT_LT(rows.max().item<int64_t>(), 27);
  const auto chosen = points[0].index_select(0, rows);
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      EXPECT_FALSE(at::equal(chosen[i], chosen[j])) << i << " and " << j << " are one place";
    }
  }
}

TEST(LatentStatistics, BeforeTheyAreMeasuredChangeNothing) {
  LatentStatistics statistics(4);
  const auto latents = draw({5, 6, 4}, 13);
  EXPECT_TRUE(bit_equal(statistics->standardise(latents), latents));
  EXPECT_TRUE(bit_equal(statistics->restore(latents), latents));
}

TEST(LatentStatistics, SurviveAChannelThatNeverChanges) {
  LatentStatistics statistics(3);
  auto latents = draw({20, 6, 3}, 14);
  latents.select(2, 1).fill_(0.75);
  statistics->measure(latents);
  const auto standardised = statistics->standardise(latents);
  EXPECT_TRUE(standardised.isfinite().all().item<bool>());
  EXPECT_NEAR(standardised.select(2, 1).abs().max().item<double>(), 0.0, 0.1);
  EXPECT_TRUE(all_close(statistics->restore(standardised), latents, 1e-5));
}

TEST(LatentStatistics, AreSavedButNotTrained) {
  LatentStatistics statistics(3);
  EXPECT_TRUE(statistics->parameters().empty());
  const auto buffers = statistics->named_buffers();
  EXPECT_TRUE(buffers.contains("mean"));
  EXPECT_TRUE(buffers.contains("deviation"));
  statistics->measure(draw({4, 5, 3}, 15).requires_grad_());
  EXPECT_FALSE(statistics->named_buffers()["mean"].requires_grad());
  EXPECT_THROW(statistics->measure(at::zeros({4, 5, 2})), c10::Error);
}

// A decoder whose field is one number everywhere.
VecsetVae constant_vae(double field) {
  auto vae = make_vae();
  const torch::NoGradGuard no_grad;
  auto parameters = vae->named_parameters();
  parameters["decoder.proj_out.weight"].zero_();
  parameters["decoder.proj_out.bias"].fill_(-field);  // the raw output is negative inside
  return vae;
}

DecoderConfig small_decoder() {
  DecoderConfig config;
  config.resolution = 17;
  config.coarse_resolution = 9;
  return config;
}

TEST(ComponentDecoder, GivesTheWholeBoxOrNothingForAConstantField) {
  auto outside = constant_vae(-1.0);
  EXPECT_TRUE(decode_components(outside, at::zeros({1, 6, 4}), small_decoder())[0].empty());
  auto inside = constant_vae(1.0);
  DecoderConfig config = small_decoder();
  config.half_size = 0.5;
  const auto meshes = decode_components(inside, at::zeros({2, 6, 4}), config);
  ASSERT_EQ(meshes.size(), 2U);
  for (const mesh::TriangleMesh& mesh : meshes) {
    EXPECT_TRUE(mesh::is_watertight(mesh));
    EXPECT_NEAR(mesh::signed_volume(mesh), 1.0, 1e-3);
  }
}

TEST(ComponentDecoder, GivesTheSameMeshesInSmallChunksAndOneByOne) {
  auto vae = make_vae();
  const auto latents = draw({2, 6, 4}, 16) * 3.0;
  testing::centre_field(vae, latents);
  DecoderConfig config = small_decoder();
  const auto whole = decode_components(vae, latents, config);
  config.chunk = 100;
  const auto chunked = decode_components(vae, latents, config);
  for (int64_t i = 0; i < 2; ++i) {
    const auto alone = decode_components(vae, latents.narrow(0, i, 1), small_decoder())[0];
    ASSERT_FALSE(whole[i].empty());
    EXPECT_TRUE(mesh::is_watertight(whole[i]));
    EXPECT_EQ(alone.vertices, whole[i].vertices);
    ASSERT_EQ(chunked[i].faces, whole[i].faces);
    for (size_t v = 0; v < whole[i].vertices.size(); ++v) {
      EXPECT_LT((chunked[i].vertices[v] - whole[i].vertices[v]).norm(), 1e-4F);
    }
  }
}

TEST(DecoderConfig, AcceptsWhatHalvesDownToTheCoarseLattice) {
  for (const auto& [coarse, resolution] :
       {std::pair(33, 33), std::pair(33, 65), std::pair(33, 257), std::pair(9, 17)}) {
    DecoderConfig config;
    config.coarse_resolution = coarse;
    config.resolution = resolution;
    EXPECT_NO_THROW(config.validate("decoder")) << coarse << ", " << resolution;
    EXPECT_EQ(config.options().resolution, resolution);
  }
  for (const auto& [coarse, resolution] :
       {std::pair(33, 97), std::pair(33, 17), std::pair(9, 18)}) {
    DecoderConfig config;
    config.coarse_resolution = coarse;
    config.resolution = resolution;
    EXPECT_THROW(config.validate("decoder"), Error) << coarse << ", " << resolution;
  }
}

}  // namespace
}  // namespace moca::vae
