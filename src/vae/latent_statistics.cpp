#include "moca/vae/latent_statistics.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/shapes.h"

namespace moca::vae {

LatentStatisticsImpl::LatentStatisticsImpl(int64_t latent_channels)
    : mean_(register_buffer("mean", at::zeros({latent_channels}))),
      deviation_(register_buffer("deviation", at::ones({latent_channels}))) {}

void LatentStatisticsImpl::measure(const at::Tensor& latents) {
  const torch::NoGradGuard no_grad;
  expect_shape(latents, {-1, -1, mean_.size(0)}, "latents [n, L, C]");
  mean_.copy_(latents.flatten(0, 1).mean(0));
  deviation_.copy_(latents.flatten(0, 1).std(0, false).clamp_min(1e-6));
}

at::Tensor LatentStatisticsImpl::standardise(const at::Tensor& latents) const {
  return (latents - mean_) / deviation_;
}

at::Tensor LatentStatisticsImpl::restore(const at::Tensor& standardised) const {
  return standardised * deviation_ + mean_;
}

}  // namespace moca::vae
