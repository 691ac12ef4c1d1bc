#include "moca/vae/latent_statistics.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/shapes.h"

namespace moca::vae {

LatentStatisticsImpl::LatentStatisticsImpl(int64_t latent_channels)
    : mean_(register_buffer("mean", at::zeros({latent_channels}, at::kFloat))),
      std_(register_buffer("deviation", at::ones({latent_channels}, at::kFloat))) {}

void LatentStatisticsImpl::measure(const at::Tensor& latents) {
  const torch::NoGradGuard no_grad;
  expect_shape(latents, {-1, -1, mean_.size(0)}, "latents [n, L, C]");
  mean_.copy_(latents.flatten(0, 1).mean(0));
  std_.copy_(latents.flatten(0, 1).std(0, false).clamp_min(1e-6));
}

void LatentStatisticsImpl::set(const at::Tensor& mean, const at::Tensor& std) {
  const torch::NoGradGuard no_grad;
  expect_shape(mean, {mean_.size(0)}, "mean [C]");
  expect_shape(std, {mean_.size(0)}, "std [C]");
  mean_.copy_(mean);
  std_.copy_(std);
}

at::Tensor LatentStatisticsImpl::standardise(const at::Tensor& latents) const {
  return (latents - mean_) / std_;
}

at::Tensor LatentStatisticsImpl::restore(const at::Tensor& standardised) const {
  return standardised * std_ + mean_;
}

}  // namespace moca::vae
