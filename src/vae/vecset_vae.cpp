#include "moca/vae/vecset_vae.h"

#include <ATen/ATen.h>

#include <memory>

#include "moca/core/mapped.h"
#include "moca/core/shapes.h"
#include "moca/core/transfer.h"
#include "moca/nn/embeddings.h"
#include "moca/nn/flops.h"
#include "moca/ops/farthest_point_sampling.h"
#include "vae_block.h"

namespace moca::vae {
namespace {

// Points drawn per token before farthest point sampling thins them (TripoSG: 4).
constexpr int64_t kPreselection = 4;
// Query points that go through the decoder at a time: what one layer leaves to the next stays in
// the processor's cache.
constexpr int64_t kQueryBlock = 2048;

std::vector<std::shared_ptr<VaeBlockImpl>> register_blocks(torch::nn::Module& owner, int64_t count,
                                                           int64_t cross_index, int64_t width,
                                                           int64_t num_heads) {
  auto list = owner.register_module("blocks", torch::nn::ModuleList());
  std::vector<std::shared_ptr<VaeBlockImpl>> blocks;
  for (int64_t i = 0; i < count; ++i) {
    const auto kind = i == cross_index ? VaeBlockImpl::Kind::kCross : VaeBlockImpl::Kind::kSelf;
    blocks.push_back(std::make_shared<VaeBlockImpl>(kind, width, num_heads));
    list->push_back(blocks.back());
  }
  return blocks;
}

double self_block_flops(double tokens, double width) {
  return nn::linear_flops(tokens, width, 4.0 * width) + nn::attention_flops(tokens, tokens, width) +
         nn::feed_forward_flops(tokens, width);
}

double cross_block_flops(double tokens, double context, double width) {
  return nn::linear_flops(tokens + context, width, 2.0 * width) +
         nn::attention_flops(tokens, context, width) + nn::feed_forward_flops(tokens, width);
}

}  // namespace

void VaeConfig::validate(const std::string& path) const {
  config::require_multiple(path, "width_encoder", width_encoder, "num_heads", num_heads);
  config::require_multiple(path, "width_decoder", width_decoder, "num_heads", num_heads);
}

double VaeConfig::encode_flops(int64_t num_surface_points) const {
  const double P = num_surface_points, L = num_tokens, D = width_encoder, C = latent_channels;
  const double point_width = nn::embedded_point_width(num_frequencies) + 3;
  return nn::linear_flops(P + L, point_width, D) + cross_block_flops(L, P, D) +
         static_cast<double>(num_layers_encoder) * self_block_flops(L, D) +
         nn::linear_flops(L, D, 2.0 * C);
}

double VaeConfig::decode_flops(int64_t num_query_points) const {
  const double Q = num_query_points, L = num_tokens, D = width_decoder, C = latent_channels;
  const double point_width = nn::embedded_point_width(num_frequencies);
  return nn::linear_flops(L, C, D) +
         static_cast<double>(num_layers_decoder) * self_block_flops(L, D) +
         nn::linear_flops(Q, point_width, D) + cross_block_flops(Q, L, D) +
         nn::linear_flops(Q, D, 1);
}

at::Tensor Posterior::sample(const at::Tensor& noise) const {
  return mean + (0.5 * log_variance).exp() * noise;
}

at::Tensor Posterior::kl() const {
  return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean();
}

VecsetVaeImpl::VecsetVaeImpl(const VaeConfig& config) : config_(config) {
  const int64_t point_width = nn::embedded_point_width(config.num_frequencies);
  encoder_ = nn::register_group(*this, "encoder");
  encoder_proj_in_ = encoder_->register_module(
      "proj_in", torch::nn::Linear(point_width + 3, config.width_encoder));  // + 3: the normal
  encoder_blocks_ = register_blocks(*encoder_, config.num_layers_encoder + 1, 0,
                                    config.width_encoder, config.num_heads);
  encoder_norm_out_ = encoder_->register_module("norm_out", nn::LayerNorm(config.width_encoder));
  quant_ =
      register_module("quant", torch::nn::Linear(config.width_encoder, 2 * config.latent_channels));
  post_quant_ = register_module("post_quant",
                                torch::nn::Linear(config.latent_channels, config.width_decoder));
  decoder_ = nn::register_group(*this, "decoder");
  decoder_blocks_ =
      register_blocks(*decoder_, config.num_layers_decoder + 1, config.num_layers_decoder,
                      config.width_decoder, config.num_heads);
  decoder_proj_query_ =
      decoder_->register_module("proj_query", torch::nn::Linear(point_width, config.width_decoder));
  decoder_norm_out_ = decoder_->register_module("norm_out", nn::LayerNorm(config.width_decoder));
  decoder_proj_out_ =
      decoder_->register_module("proj_out", torch::nn::Linear(config.width_decoder, 1));
}

at::ScalarType VecsetVaeImpl::weight_type() const { return post_quant_->weight.scalar_type(); }

at::Tensor VecsetVaeImpl::embed(const at::Tensor& points) const {
  return nn::embed_points(points, config_.num_frequencies, config_.frequencies_include_pi)
      .to(weight_type());
}

at::Tensor VecsetVaeImpl::choose_token_points(const at::Tensor& surface_points,
                                              const at::Tensor& candidates) const {
  const auto rows = candidates.expand({surface_points.size(0), -1});  // [n, K]
  const auto points = surface_points.gather(1, rows.unsqueeze(-1).expand({-1, -1, 3}));
  return rows.gather(1, ops::farthest_point_sampling(points, config_.num_tokens));
}

at::Tensor VecsetVaeImpl::embed_surface(const at::Tensor& points, const at::Tensor& normals) const {
  return at::cat({embed(points), normals.to(weight_type())}, -1);
}

at::Tensor VecsetVaeImpl::encode_tokens(const at::Tensor& surface,
                                        const at::Tensor& token_surface) {
  auto tokens =
      encoder_blocks_[0]->forward(encoder_proj_in_(token_surface),
                                  encoder_blocks_[0]->project_context(encoder_proj_in_(surface)));
  for (size_t i = 1; i < encoder_blocks_.size(); ++i) {
    tokens = encoder_blocks_[i]->forward(tokens);
  }
  return encoder_norm_out_(tokens);
}

Posterior VecsetVaeImpl::posterior(const at::Tensor& hidden) {
  const auto moments = quant_(hidden).to(at::kFloat).chunk(2, -1);
  return {moments[0], moments[1].clamp(-30.0, 20.0)};
}

at::Tensor VecsetVaeImpl::draw_candidates(int64_t num_surface_points,
                                          const at::Generator& generator) const {
  return at::randperm(num_surface_points, generator, at::TensorOptions().dtype(at::kLong))
      .narrow(0, 0, std::min(num_surface_points, kPreselection * config_.num_tokens));
}

Posterior VecsetVaeImpl::encode(const at::Tensor& surface_points, const at::Tensor& surface_normals,
                                const at::Generator& generator) {
  const auto [n, P, three] = shape<3>(surface_points, "surface_points [n, P, 3]");
  return encode(surface_points, surface_normals,
                to_device(draw_candidates(P, generator), surface_points.device()));
}

Posterior VecsetVaeImpl::encode(const at::Tensor& surface_points, const at::Tensor& surface_normals,
                                const at::Tensor& candidates) {
  const auto [n, P, three] = shape<3>(surface_points, "surface_points [n, P, 3]");
  expect_shape(surface_normals, {n, P, three}, "surface_normals [n, P, 3]");
  const int64_t L = config_.num_tokens;
  TORCH_CHECK(P >= L, "a component needs at least L = ", L, " surface points, got P = ", P);
  const auto token_points = choose_token_points(surface_points, candidates).unsqueeze(-1);
  const auto surface = embed_surface(surface_points, surface_normals);
  const auto token_surface = surface.gather(1, token_points.expand({n, L, surface.size(2)}));
  return posterior(encode_tokens(surface, token_surface));
}

at::Tensor VecsetVaeImpl::decode(const at::Tensor& latents) {
  shape<3>(latents, "latents [n, L, C]");
  auto tokens = post_quant_(latents.to(weight_type()));
  for (size_t i = 0; i + 1 < decoder_blocks_.size(); ++i) {
    tokens = decoder_blocks_[i]->forward(tokens);
  }
  return tokens;
}

nn::HeadTensors VecsetVaeImpl::prepare_queries(const at::Tensor& hidden) {
  return decoder_blocks_.back()->project_context(hidden);
}

at::Tensor VecsetVaeImpl::query_prepared(const nn::HeadTensors& prepared,
                                         const at::Tensor& query_points) {
  expect_shape(query_points, {-1, -1, 3}, "query_points [n, Q, 3]");
  if (!at::GradMode::is_enabled() && query_points.device().is_cpu() &&
      query_points.size(1) > kQueryBlock) {
    const auto field_at = [&](const at::Tensor& part) { return query_prepared(prepared, part); };
    return at::cat(mapped(query_points.split(kQueryBlock, 1), field_at), 1);
  }
  auto tokens = decoder_proj_query_(embed(query_points));
  tokens = decoder_blocks_.back()->forward(tokens, prepared);
  const auto raw = decoder_proj_out_(decoder_norm_out_(tokens));  // [n, Q, 1]
  return -raw.to(at::kFloat).squeeze(-1);  // TripoSG: the raw output is negative inside
}

at::Tensor VecsetVaeImpl::query_field(const at::Tensor& hidden, const at::Tensor& query_points) {
  return query_prepared(prepare_queries(hidden), query_points);
}

}  // namespace moca::vae
