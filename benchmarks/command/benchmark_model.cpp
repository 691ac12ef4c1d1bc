#include "benchmark_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "moca/core/generator.h"

namespace moca::benchmarks {

dit::DitConfig config_of(const BenchmarkOptions& options, dit::GlobalAttentionKind kind) {
  dit::DitConfig config;
  config.width = options.width;
  config.num_heads = options.num_heads;
  config.num_layers = options.num_layers;
  config.global_attention = kind;
  config.num_compressed_tokens = options.num_compressed_tokens;
  config.codebook_size = std::max<int64_t>(
      64, *std::max_element(options.components.begin(), options.components.end()));
  config.router.num_selected = options.num_selected;
  return config;
}

at::Tensor draw(const BenchmarkOptions& options, at::IntArrayRef sizes, const char* purpose) {
  return at::randn(sizes, generator_for(0, purpose), at::TensorOptions())
      .to(options.device, options.type);
}

dit::DitInput one_asset(const BenchmarkOptions& options, int64_t num_components) {
  const int64_t N = num_components;
  dit::DitInput input;
  input.noisy_latents = draw(options, {1, N, options.num_tokens, kLatentChannels}, "latents");
  input.noise_level = at::full({1}, 0.5, at::kDouble).to(options.device, at::kFloat);
  input.component_ids = at::arange(N, at::kLong).unsqueeze(0).to(options.device);
  input.component_mask = at::ones({1, N}, at::kBool);
  input.conditions = {
      {.name = "image",
       .tokens = draw(options, {1, options.num_image_tokens, options.image_width}, "picture")}};
  return input;
}

}  // namespace moca::benchmarks
