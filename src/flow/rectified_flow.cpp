#include "moca/flow/rectified_flow.h"

#include <ATen/ATen.h>

#include "moca/core/shapes.h"

namespace moca::flow {

NoisySample add_noise(const at::Tensor& latents, at::Generator generator) {
  const auto [B, N, L, C] = shape<4>(latents, "latents [B, N, L, C]");
  const auto options = at::TensorOptions().dtype(at::kFloat);
  NoisySample sample;
  sample.noise_level = at::sigmoid(at::randn({B}, generator, options)).to(latents.device());
  const auto noise = at::randn({B, N, L, C}, generator, options).to(latents.device());
  const auto level = sample.noise_level.view({B, 1, 1, 1});
  sample.noisy_latents = (1.0 - level) * latents + level * noise;
  sample.velocity = noise - latents;
  return sample;
}

at::Tensor velocity_loss(const at::Tensor& predicted, const at::Tensor& velocity,
                         const at::Tensor& component_mask) {
  const auto [B, N, L, C] = shape<4>(predicted, "predicted [B, N, L, C]");
  expect_shape(velocity, {B, N, L, C}, "velocity [B, N, L, C]");
  expect_shape(component_mask, {B, N}, "component_mask [B, N]");
  const auto squared = (predicted.to(at::kFloat) - velocity).square().mean({2, 3});  // [B, N]
  return at::where(component_mask, squared, 0.0).sum() / component_mask.sum();
}

}  // namespace moca::flow
