#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"
#include "moca/nn/attention.h"
#include "moca/nn/layers.h"

namespace moca::vae {

struct VaeConfig {
  int64_t num_tokens = 512;
  int64_t num_surface_points = 4096;
  int64_t latent_channels = 64;
  int64_t num_heads = 8;
  int64_t width_encoder = 512;
  int64_t width_decoder = 1024;
  int64_t num_layers_encoder = 8;
  int64_t num_layers_decoder = 16;
  int64_t num_frequencies = 8;
  bool frequencies_include_pi = false;

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range;
    v("num_tokens", self.num_tokens, "L: latent tokens of one component", in_range(1, 65536));
    v("num_surface_points", self.num_surface_points,
      "surface points of a component that the encoder sees", in_range(16, 10000000));
    v("latent_channels", self.latent_channels, "C: channels of a latent token (TripoSG: 64)",
      at_least(1));
    v("num_heads", self.num_heads, "heads of every attention, encoder and decoder (TripoSG: 8)",
      at_least(1));
    v("width_encoder", self.width_encoder, "width of the encoder (TripoSG: 512)", at_least(1));
    v("width_decoder", self.width_decoder, "width of the decoder (TripoSG: 1024)", at_least(1));
    v("num_layers_encoder", self.num_layers_encoder,
      "self-attention blocks of the encoder (TripoSG: 8)", at_least(0));
    v("num_layers_decoder", self.num_layers_decoder,
      "self-attention blocks of the decoder (TripoSG: 16)", at_least(0));
    v("num_frequencies", self.num_frequencies, "F: frequencies of the point embedding (TripoSG: 8)",
      at_least(0));
    v("frequencies_include_pi", self.frequencies_include_pi,
      "multiply the frequencies by pi (TripoSG: no)");
  }
  void validate(const std::string& path) const;
  // Floating point operations of one component (nn/flops.h): P surface points to latents, latents
  // to the field at Q query points.
  double encode_flops(int64_t num_surface_points) const;
  double decode_flops(int64_t num_query_points) const;
};

struct Posterior {
  at::Tensor mean;          // [n, L, C]
  at::Tensor log_variance;  // [n, L, C], within [-30, 20] as in diffusers

  at::Tensor sample(const at::Tensor& noise) const;  // noise [n, L, C], standard normal
  // 0.5 mean(mean^2 + variance - 1 - log variance) over components, tokens and channels.
  at::Tensor kl() const;
};

class VaeBlockImpl;

// The vecset VAE of TripoSG (Eq. 1, 2): surface points of a component to L latent tokens, and
// latent tokens to a field that is positive inside. Parameter names are those of its checkpoints.
class VecsetVaeImpl : public torch::nn::Module {
 public:
  explicit VecsetVaeImpl(const VaeConfig& config);

  // Eq. 1. surface_points, surface_normals: [n, P, 3] in [-1, 1] and unit length, P >= L. The
  // tokens' query points are the candidates, thinned to L by farthest point sampling: rows [n, K]
  // of the surface points or [K] of every component's, K >= L, else drawn once for all components.
  Posterior encode(const at::Tensor& surface_points, const at::Tensor& surface_normals,
                   const at::Tensor& candidates);
  Posterior encode(const at::Tensor& surface_points, const at::Tensor& surface_normals,
                   const at::Generator& generator);

  // The steps of `encode`. Rows [4 L] of P surface points, or all P where these are fewer.
  at::Tensor draw_candidates(int64_t num_surface_points, const at::Generator& generator) const;
  // Rows [n, L] of the surface points that the tokens start from.
  at::Tensor choose_token_points(const at::Tensor& surface_points,
                                 const at::Tensor& candidates) const;
  // Embedded points with their normals: [n, P, 3 (2F + 1) + 3].
  at::Tensor embed_surface(const at::Tensor& points, const at::Tensor& normals) const;
  // The encoder's hidden tokens [n, L, width_encoder] of the embedded surface [n, P, .] and of the
  // tokens' own embedded points [n, L, .].
  at::Tensor encode_tokens(const at::Tensor& surface, const at::Tensor& token_surface);
  Posterior posterior(const at::Tensor& hidden);

  // The decoder's hidden tokens [n, L, width_decoder] of latents [n, L, C]; made once, queried
  // often.
  at::Tensor decode(const at::Tensor& latents);

  // Eq. 2. The field at query points [n, Q, 3] from `decode`'s hidden tokens; returns [n, Q].
  at::Tensor query_field(const at::Tensor& hidden, const at::Tensor& query_points);

  // Decodes `hidden` once more into what `query_prepared` needs of it; for many queries of one
  // component.
  nn::HeadTensors prepare_queries(const at::Tensor& hidden);
  at::Tensor query_prepared(const nn::HeadTensors& prepared, const at::Tensor& query_points);

  const VaeConfig& config() const { return config_; }
  // From now on a component is encoded to so many tokens; no weight depends on their number.
  void set_num_tokens(int64_t num_tokens) { config_.num_tokens = num_tokens; }

 private:
  at::ScalarType weight_type() const;
  at::Tensor embed(const at::Tensor& points) const;

  VaeConfig config_;
  std::shared_ptr<torch::nn::Module> encoder_;
  std::shared_ptr<torch::nn::Module> decoder_;
  torch::nn::Linear encoder_proj_in_{nullptr};
  std::vector<std::shared_ptr<VaeBlockImpl>> encoder_blocks_;
  nn::LayerNorm encoder_norm_out_{nullptr};
  torch::nn::Linear quant_{nullptr};
  torch::nn::Linear post_quant_{nullptr};
  torch::nn::Linear decoder_proj_query_{nullptr};
  std::vector<std::shared_ptr<VaeBlockImpl>> decoder_blocks_;
  nn::LayerNorm decoder_norm_out_{nullptr};
  torch::nn::Linear decoder_proj_out_{nullptr};
};
TORCH_MODULE(VecsetVae);

}  // namespace moca::vae
