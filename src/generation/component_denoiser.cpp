#include "moca/generation/component_denoiser.h"

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

}  // namespace moca::generation
