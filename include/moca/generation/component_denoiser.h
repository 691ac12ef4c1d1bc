#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <vector>

#include "moca/dit/moca_dit.h"
#include "moca/generation/conditioner.h"
#include "moca/generation/image_conditioner.h"
#include "moca/vae/latent_statistics.h"

namespace moca::generation {

// What a MoCA training run trains and a checkpoint of it holds: the DiT, what makes its conditions
// (the image encoder, frozen or trained with it) and the statistics its latents are standardised
// by.
class ComponentDenoiserImpl : public torch::nn::Module {
 public:
  // more: conditioners beside the image's.
  ComponentDenoiserImpl(const dit::DitConfig& dit_config,
                        const image_encoder::ImageEncoderConfig& encoder_config,
                        int64_t latent_channels, Conditioners more = {});

  // inputs: of every conditioner, [B, ...]. component_mask: [B, N].
  std::vector<dit::Condition> conditions(const std::vector<at::Tensor>& inputs,
                                         const at::Tensor& component_mask);

  // The DiT's velocity [B, N, L, C]: what training and sampling ask for. Virtual, so that a test
  // can put a recorder in the DiT's place.
  virtual at::Tensor velocity(const dit::DitInput& input,
                              const std::optional<at::Generator>& generator = std::nullopt);

  dit::MocaDit dit() const { return dit_; }
  const Conditioners& conditioners() const { return conditioners_; }
  ImageConditioner& image() const { return *image_; }
  image_encoder::ImageEncoder image_encoder() const { return image_->encoder(); }
  vae::LatentStatistics latent_statistics() const { return latent_statistics_; }

 private:
  dit::MocaDit dit_{nullptr};
  std::shared_ptr<ImageConditioner> image_;
  Conditioners conditioners_;  // the image's first
  vae::LatentStatistics latent_statistics_{nullptr};
};
TORCH_MODULE(ComponentDenoiser);

}  // namespace moca::generation
