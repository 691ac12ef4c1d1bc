#include "moca/generation/component_denoiser.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"

namespace moca::generation {

ComponentDenoiserImpl::ComponentDenoiserImpl(
    const dit::DitConfig& dit_config, const image_encoder::ImageEncoderConfig& encoder_config,
    int64_t latent_channels)
    : dit_(register_module("dit", dit::MocaDit(dit_config, latent_channels, encoder_config.width))),
      image_encoder_(register_module("image_encoder", image_encoder::ImageEncoder(encoder_config))),
      latent_statistics_(
          register_module("latent_statistics", vae::LatentStatistics(latent_channels))) {
  if (!encoder_config.trainable) {
    for (auto& parameter : image_encoder_->parameters()) {
      parameter.set_requires_grad(false);
    }
  }
}

at::Tensor ComponentDenoiserImpl::image_tokens(const at::Tensor& images,
                                               const at::Tensor& component_mask) {
  if (!image_encoder_->config().sees_components()) {
    return image_encoder_->forward(images);
  }
  const auto [B, N] = shape<2>(component_mask, "component_mask [B, N]");
  expect_shape(images, {B, N, 7, -1, -1}, "images [B, N, 7, S, S]");
  const auto present = component_mask.flatten().nonzero().squeeze(1);
  const auto tokens = image_encoder_->forward(images.flatten(0, 1).index_select(0, present));
  return at::zeros({B * N, tokens.size(1), tokens.size(2)}, tokens.options())
      .index_copy(0, present, tokens)
      .unflatten(0, {B, N});
}

at::Tensor ComponentDenoiserImpl::velocity(const dit::DitInput& input,
                                           const std::optional<at::Generator>& generator) {
  return dit_->forward(input, generator);
}

}  // namespace moca::generation
