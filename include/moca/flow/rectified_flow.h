#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "moca/flow/noise_density.h"

// The straight path from latents (noise_level 0) to noise (noise_level 1), Sec. 3.3.2. Its velocity
// is noise - latents; TripoSG's and PartCrafter's models give the negative of it.
namespace moca::flow {

// All components of an asset share one noise level.
struct NoisySample {
  at::Tensor noise_level;    // [B] in (0, 1], on the host, where it is drawn
  at::Tensor noisy_latents;  // [B, N, L, C]: (1 - noise_level) latents + noise_level noise
  at::Tensor velocity;       // [B, N, L, C]: noise - latents, what the model learns
};

// The point of the path at a noise level: (1 - noise_level) latents + noise_level noise.
// latents, noise: [B, ...]; noise_level: [B], of the same device or of the host.
at::Tensor mix(const at::Tensor& latents, const at::Tensor& noise, const at::Tensor& noise_level);

// One Euler step along the path: latents + (next_level - noise_level) velocity, in float.
at::Tensor euler_step(const at::Tensor& latents, const at::Tensor& velocity, double noise_level,
                      double next_level);

// latents: [B, N, L, C]. The default noise levels are sigmoid(normal(0, 1)), PartCrafter's.
NoisySample add_noise(const at::Tensor& latents, at::Generator generator,
                      const FlowConfig& config = {});

// Eq. 9: the mean squared error over tokens and channels of each present component, times its
// asset's weight, averaged over components. predicted, velocity: [B, N, L, C]; component_mask:
// [B, N] and weight: [B], undefined for 1, of the same device or of the host.
at::Tensor velocity_loss(const at::Tensor& predicted, const at::Tensor& velocity,
                         const at::Tensor& component_mask, const at::Tensor& weight = {});

}  // namespace moca::flow
