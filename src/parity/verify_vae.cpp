#include <ATen/ATen.h>
#include <torch/autograd.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "kinds.h"
#include "moca/nn/embeddings.h"
#include "moca/ops/farthest_point_sampling.h"
#include "moca/pretrained/load_pretrained.h"

namespace moca::parity {
namespace {

vae::VecsetVae make_vae(const Fixture& fixture, int64_t num_tokens) {
  auto description = pretrained::read_vae_config(fixture.description_file(), &fixture.at("model"));
  description.vae.num_tokens = num_tokens;
  vae::VecsetVae vae(description.vae);
  pretrained::load_vae_weights(vae, fixture.weights(), kNotWeights);
  vae->to(fixture.device());
  vae->eval();
  return vae;
}

// What the linear layer `name` of the VAE makes of its input.
at::Tensor apply_linear(vae::VecsetVae& vae, const char* name, const at::Tensor& input) {
  return vae->named_children()[name]->as<torch::nn::LinearImpl>()->forward(input);
}

// Points with normals [n, P, 6], embedded.
at::Tensor embed(const vae::VecsetVae& vae, const at::Tensor& surface) {
  return vae->embed_surface(surface.narrow(-1, 0, 3), surface.narrow(-1, 3, 3));
}

void compare_posterior(Fixture& fixture, const vae::Posterior& posterior) {
  fixture.compare("mean", posterior.mean);
  fixture.compare("logvar", posterior.log_variance);
  fixture.compare("std", (0.5 * posterior.log_variance).exp());
}

}  // namespace

void verify_vae_encoder(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  const auto sampled = fixture.input("sampled");
  auto vae = make_vae(fixture, sampled.size(1));
  const auto surface = embed(vae, fixture.input("surface"));
  fixture.compare("embedded_kv", surface);
  const auto hidden = vae->encode_tokens(surface, embed(vae, sampled));
  fixture.compare("hidden", hidden);
  fixture.compare("moments", apply_linear(vae, "quant", hidden));
  const auto posterior = vae->posterior(hidden);
  compare_posterior(fixture, posterior);
  fixture.compare("sample", posterior.sample(fixture.input("noise")));
  std::vector<at::Tensor> divergences;
  for (int64_t i = 0; i < posterior.mean.size(0); ++i) {
    divergences.push_back(vae::Posterior{posterior.mean[i], posterior.log_variance[i]}.kl());
  }
  fixture.compare("kl_mean_over_tokens_channels", at::stack(divergences));
}

void verify_vae_decoder(Fixture& fixture) {
  const auto latents = fixture.input("z");
  auto vae = make_vae(fixture, latents.size(1));
  fixture.compare("post_quant", apply_linear(vae, "post_quant", latents));
  const auto hidden = vae->decode(latents);
  fixture.compare("kv_cache", hidden);
  const auto queries = fixture.input("queries").requires_grad_(true);
  fixture.compare("embedded_queries", nn::embed_points(queries, vae->config().num_frequencies,
                                                       vae->config().frequencies_include_pi));
  const auto field = vae->query_field(hidden, queries).unsqueeze(-1);
  fixture.compare("sample", field);
  fixture.compare("grad_sample_wrt_queries", torch::autograd::grad({field.sum()}, {queries})[0]);
}

void verify_vae_full(Fixture& fixture) {
  const torch::NoGradGuard no_grad;
  const auto surface = fixture.input("surface");
  const auto candidates = fixture.input("preselect_indices");
  const int64_t num_tokens = fixture.at("num_tokens");
  auto vae = make_vae(fixture, num_tokens);
  const auto points = surface.narrow(-1, 0, 3);
  const int64_t n = surface.size(0);
  const auto order =
      ops::farthest_point_sampling(points.index_select(1, candidates), num_tokens);  // [n, L]
  const auto first = at::arange(n, order.options()).view({n, 1}) * candidates.size(0);
  fixture.compare("fps_flat_indices", (order + first).flatten());
  const auto rows = vae->choose_token_points(points, candidates).unsqueeze(-1);  // [n, L, 1]
  const auto sampled = surface.gather(1, rows.expand({n, num_tokens, surface.size(2)}));
  fixture.compare("sampled", sampled);
  const auto posterior =
      vae->posterior(vae->encode_tokens(embed(vae, surface), embed(vae, sampled)));
  compare_posterior(fixture, posterior);
  const auto latents = posterior.sample(fixture.input("noise"));
  fixture.compare("z", latents);
  const auto queries = fixture.input("queries");
  fixture.compare("sample", vae->query_field(vae->decode(latents), queries).unsqueeze(-1));
  fixture.compare("sample_from_mode",
                  vae->query_field(vae->decode(posterior.mean), queries).unsqueeze(-1));
}

}  // namespace moca::parity
