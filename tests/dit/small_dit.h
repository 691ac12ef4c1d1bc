#pragma once

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "moca/dit/moca_dit.h"
#include "moca/nn/attention.h"

namespace moca::dit {

// Vecset tokens, latent channels, image tokens and their width in all tests of this folder.
inline constexpr int64_t kL = 7, kC = 4, kT = 5, kImageWidth = 24;

inline DitConfig small_config() {
  DitConfig config;
  config.width = 32;
  config.num_heads = 4;
  config.num_layers = 5;
  config.num_compressed_tokens = 3;
  config.router.num_selected = 1;
  return config;
}

inline at::Tensor image_of(const DitInput& input) { return input.conditions[0].tokens; }

// The same random weights for the same config, switched to inference.
inline MocaDit make(const DitConfig& config) {
  torch::manual_seed(11);
  MocaDit dit(config, kC, ConditionKinds{{"image", kImageWidth}});
  dit->eval();
  return dit;
}

inline at::Tensor velocity(MocaDit dit, const DitInput& input) {
  const torch::NoGradGuard no_grad;
  return dit->forward(input);
}

inline at::Tensor random_tensor(at::IntArrayRef sizes, uint64_t seed = 5) {
  return at::randn(sizes, generator_for(seed, "dit test"), at::TensorOptions());
}

// Random latents, noise levels, pictures and ids of B assets with N components, all present.
inline DitInput make_input(int64_t B, int64_t N) {
  auto generator = generator_for(5, "dit test");
  const auto draw = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::TensorOptions());
  };
  DitInput input;
  input.noisy_latents = draw({B, N, kL, kC});
  input.noise_level = at::rand({B}, generator, at::TensorOptions());
  input.conditions = {{.name = "image", .tokens = draw({B, kT, kImageWidth})}};
  input.component_ids = draw_component_ids(B, N, 50, generator);
  input.component_mask = at::ones({B, N}, at::kBool);
  return input;
}

// Self-attention of the small model's width.
inline nn::Attention small_attention(bool qk_norm = true) {
  torch::manual_seed(2);
  nn::AttentionSizes sizes;
  sizes.width = 32;
  sizes.num_heads = 4;
  sizes.qk_norm = qk_norm;
  return nn::Attention(sizes);
}

// What a change of one input moves in the result, the largest element.
inline double change(const at::Tensor& after, const at::Tensor& before) {
  return (after - before).abs().max().item<double>();
}

}  // namespace moca::dit
