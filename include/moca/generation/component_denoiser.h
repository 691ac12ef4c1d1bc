#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>

#include "moca/dit/moca_dit.h"
#include "moca/image_encoder/image_encoder.h"
#include "moca/vae/latent_statistics.h"

namespace moca::generation {

// What a MoCA training run trains and a checkpoint of it holds: the DiT, the image encoder (frozen
// or trained with it) and the statistics its latents are standardised by.
class ComponentDenoiserImpl : public torch::nn::Module {
 public:
  ComponentDenoiserImpl(const dit::DitConfig& dit_config,
                        const image_encoder::ImageEncoderConfig& encoder_config,
                        int64_t latent_channels);

  // Image tokens [B, T, D_image] of pictures [B, 3, S, S], or [B, N, T, D_image] of what the
  // encoder sees of every component, [B, N, 7, S, S]; zero for absent ones. component_mask: [B, N].
  at::Tensor image_tokens(const at::Tensor& images, const at::Tensor& component_mask);

  // The DiT's velocity [B, N, L, C]: what training and sampling ask for. Virtual, so that a test
  // can put a recorder in the DiT's place.
  virtual at::Tensor velocity(const dit::DitInput& input,
                              const std::optional<at::Generator>& generator = std::nullopt);

  dit::MocaDit dit() const { return dit_; }
  image_encoder::ImageEncoder image_encoder() const { return image_encoder_; }
  vae::LatentStatistics latent_statistics() const { return latent_statistics_; }

 private:
  dit::MocaDit dit_{nullptr};
  image_encoder::ImageEncoder image_encoder_{nullptr};
  vae::LatentStatistics latent_statistics_{nullptr};
};
TORCH_MODULE(ComponentDenoiser);

}  // namespace moca::generation
