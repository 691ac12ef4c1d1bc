#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace moca::flow {

// The straight path from latents (noise_level 0) to noise (noise_level 1), Sec. 3.3.2. All
// components of an asset share one noise level.
struct NoisySample {
  at::Tensor noise_level;    // [B] in (0, 1)
  at::Tensor noisy_latents;  // [B, N, L, C]: (1 - noise_level) latents + noise_level noise
  at::Tensor velocity;       // [B, N, L, C]: noise - latents, what the model learns
};

// Noise levels are sigmoid(normal(0, 1)): logit-normal, PartCrafter's weighting.
// latents: [B, N, L, C].
NoisySample add_noise(const at::Tensor& latents, at::Generator generator);

// Eq. 9: the mean squared error over tokens and channels of each present component, averaged over
// components. predicted, velocity: [B, N, L, C]; component_mask: [B, N].
at::Tensor velocity_loss(const at::Tensor& predicted, const at::Tensor& velocity,
                         const at::Tensor& component_mask);

}  // namespace moca::flow
