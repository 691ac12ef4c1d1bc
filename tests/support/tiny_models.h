#pragma once

#include <torch/types.h>

#include "moca/dit/dit_config.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/vae/vecset_vae.h"

namespace moca::testing {

// Sizes at which a whole model is made, run and trained in milliseconds.
inline vae::VaeConfig tiny_vae_config() {
  vae::VaeConfig config;
  config.num_tokens = 8;
  config.num_surface_points = 32;
  config.latent_channels = 4;
  config.num_heads = 2;
  config.width_encoder = 16;
  config.width_decoder = 16;
  config.num_layers_encoder = 1;
  config.num_layers_decoder = 1;
  config.num_frequencies = 3;
  return config;
}

// The same weights for the same seed.
inline vae::VecsetVae tiny_vae(uint64_t seed = 1) {
  torch::manual_seed(seed);
  return vae::VecsetVae(tiny_vae_config());
}

// A VAE whose posterior is the same for every surface: of mean 0 and this log variance.
inline vae::VecsetVae tiny_vae_of_posterior(double log_variance) {
  auto vae = tiny_vae();
  const int64_t C = vae->config().latent_channels;
  const torch::NoGradGuard no_grad;
  auto weights = vae->named_parameters();
  weights["quant.weight"].zero_();
  weights["quant.bias"].zero_();
  weights["quant.bias"].narrow(0, C, C).fill_(log_variance);
  return vae;
}

inline dit::DitConfig tiny_dit_config() {
  dit::DitConfig config;
  config.width = 16;
  config.num_heads = 2;
  config.num_layers = 3;
  config.num_compressed_tokens = 2;
  config.router.num_selected = 1;
  config.codebook_size = 8;
  return config;
}

// Takes images of 16 x 16.
inline image_encoder::ImageEncoderConfig tiny_image_encoder_config() {
  image_encoder::ImageEncoderConfig config;
  config.image_size = 16;
  config.patch_size = 8;
  config.width = 16;
  config.num_layers = 1;
  config.num_heads = 2;
  config.position_grid = 2;
  config.trainable = true;
  return config;
}

}  // namespace moca::testing
