#include "moca/flow/rectified_flow.h"

#include <ATen/ATen.h>

#include <vector>

#include "moca/core/shapes.h"
#include "moca/core/transfer.h"

namespace moca::flow {

at::Tensor mix(const at::Tensor& latents, const at::Tensor& noise, const at::Tensor& noise_level) {
  TORCH_CHECK(latents.dim() > 0 && noise.sizes() == latents.sizes(), "latents ", latents.sizes(),
              " and noise ", noise.sizes(), " must have one shape [B, ...]");
  expect_shape(noise_level, {latents.size(0)}, "noise_level [B]");
  std::vector<int64_t> per_asset(latents.dim(), 1);
  per_asset[0] = latents.size(0);
  const auto level = to_device(noise_level, latents.device()).view(per_asset);
  return (1.0 - level) * latents + level * noise;
}

at::Tensor euler_step(const at::Tensor& latents, const at::Tensor& velocity, double noise_level,
                      double next_level) {
  return latents + (next_level - noise_level) * velocity.to(at::kFloat);
}

NoisySample add_noise(const at::Tensor& latents, at::Generator generator,
                      const FlowConfig& config) {
  const auto [B, N, L, C] = shape<4>(latents, "latents [B, N, L, C]");
  const auto options = at::TensorOptions().dtype(at::kFloat);
  NoisySample sample;
  sample.noise_level = draw_noise_levels(B, config, generator);
  const auto noise = to_device(at::randn({B, N, L, C}, generator, options), latents.device());
  sample.noisy_latents = mix(latents, noise, sample.noise_level);
  sample.velocity = noise - latents;
  return sample;
}

at::Tensor velocity_loss(const at::Tensor& predicted, const at::Tensor& velocity,
                         const at::Tensor& component_mask, const at::Tensor& weight) {
  const auto [B, N, L, C] = shape<4>(predicted, "predicted [B, N, L, C]");
  expect_shape(velocity, {B, N, L, C}, "velocity [B, N, L, C]");
  expect_shape(component_mask, {B, N}, "component_mask [B, N]");
  const auto mask = to_device(component_mask, predicted.device());
  auto squared = (predicted.to(at::kFloat) - velocity).square().mean({2, 3});  // [B, N]
  if (weight.defined()) {
    expect_shape(weight, {B}, "weight [B]");
    squared = squared * to_device(weight, predicted.device()).unsqueeze(1);
  }
  return at::where(mask, squared, 0.0).sum() / mask.sum();
}

}  // namespace moca::flow
