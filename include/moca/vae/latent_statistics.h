#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace moca::vae {

// Mean and std of every latent channel over a training set. The DiT works on standardised
// latents; a pretrained VAE keeps mean 0 and std 1 (TripoSG's latents are used as they are).
class LatentStatisticsImpl : public torch::nn::Module {
 public:
  explicit LatentStatisticsImpl(int64_t latent_channels);

  // latents: [n, L, C] of many components.
  void measure(const at::Tensor& latents);
  // mean, std: [C].
  void set(const at::Tensor& mean, const at::Tensor& std);
  at::Tensor standardise(const at::Tensor& latents) const;  // [..., C] -> [..., C]
  at::Tensor restore(const at::Tensor& standardised) const;

  const at::Tensor& mean() const { return mean_; }
  const at::Tensor& std() const { return std_; }

 private:
  at::Tensor mean_;  // [C]
  at::Tensor std_;   // [C]
};
TORCH_MODULE(LatentStatistics);

}  // namespace moca::vae
