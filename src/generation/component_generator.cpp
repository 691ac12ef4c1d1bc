#include "moca/generation/component_generator.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdio>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/image/image_io.h"
#include "moca/mesh/renderer.h"
#include "moca/nn/autocast.h"

namespace moca::generation {
namespace {

// Noise, ids and mask of a batch, each asset's from its own seed.
struct BatchStart {
  at::Tensor noise;           // [B, N, L, C]
  at::Tensor component_ids;   // [B, N]
  at::Tensor component_mask;  // [B, N]
};

BatchStart start_of(const std::vector<Request>& requests, int64_t L, int64_t C,
                    int64_t codebook_size) {
  int64_t max_components = 1;
  for (const auto& request : requests) {
    if (request.num_components < 1 || request.num_components > codebook_size) {
      throw Error("cannot generate " + std::to_string(request.num_components) +
                  " components: the model's codebook has ids for 1 to " +
                  std::to_string(codebook_size) + ".");
    }
    max_components = std::max(max_components, request.num_components);
  }
  const auto B = static_cast<int64_t>(requests.size());
  BatchStart start{at::zeros({B, max_components, L, C}), at::zeros({B, max_components}, at::kLong),
                   at::zeros({B, max_components}, at::kBool)};
  for (int64_t b = 0; b < B; ++b) {
    const int64_t N = requests[b].num_components;
    const uint64_t seed = requests[b].seed;
    start.noise[b].narrow(0, 0, N).copy_(
        at::randn({N, L, C}, generator_for(seed, "sampling noise"), at::TensorOptions()));
    start.component_ids[b].narrow(0, 0, N).copy_(
        dit::draw_component_ids(1, N, codebook_size, generator_for(seed, "component ids"))[0]);
    start.component_mask[b].narrow(0, 0, N).fill_(true);
  }
  return start;
}

at::Device device_of(torch::nn::Module& module) { return module.parameters().front().device(); }

}  // namespace

at::Tensor picture_to_input(const Image& picture, int64_t image_size) {
  const int size = static_cast<int>(image_size);
  auto prepared = pad_to_square(to_rgb(picture));
  if (prepared.width != size) {
    prepared = resize_area(prepared, size, size);
  }
  const auto bytes =
      at::from_blob(prepared.pixels.data(), {1, image_size, image_size, 3}, at::kByte);
  return image_encoder::normalise_images(bytes);
}

ComponentGenerator::ComponentGenerator(ComponentDenoiser denoiser, vae::VecsetVae vae,
                                       const flow::SamplerConfig& sampler,
                                       const vae::DecoderConfig& decoder, bool use_bf16)
    : denoiser_(std::move(denoiser)),
      vae_(std::move(vae)),
      sampler_(sampler),
      decoder_(decoder),
      use_bf16_(use_bf16) {
  denoiser_->eval();
  vae_->eval();
}

std::vector<at::Tensor> ComponentGenerator::generate_latents(const std::vector<Request>& requests) {
  const torch::NoGradGuard no_grad;
  const auto device = device_of(*denoiser_);
  const auto& vae_config = vae_->config();
  const auto start = start_of(requests, vae_config.num_tokens, vae_config.latent_channels,
                              denoiser_->dit()->config().codebook_size);
  std::vector<at::Tensor> pictures;
  for (const auto& request : requests) {
    pictures.push_back(
        picture_to_input(request.picture, denoiser_->image_encoder()->config().image_size));
  }
  const nn::Autocast autocast(device, use_bf16_);
  const auto image_tokens = denoiser_->image_encoder()->forward(at::cat(pictures).to(device));
  const auto component_ids = start.component_ids.to(device);
  const auto component_mask = start.component_mask.to(device);
  const auto velocity = [&](const at::Tensor& noisy_latents, const at::Tensor& noise_level,
                            bool conditioned) {
    return denoiser_->dit()->forward({noisy_latents, noise_level,
                                      conditioned ? image_tokens : at::Tensor(), component_ids,
                                      component_mask});
  };
  const auto standardised = flow::sample(velocity, start.noise.to(device), sampler_);
  const auto latents = denoiser_->latent_statistics()->restore(standardised);
  std::vector<at::Tensor> results;
  for (size_t b = 0; b < requests.size(); ++b) {
    results.push_back(latents[static_cast<int64_t>(b)].narrow(0, 0, requests[b].num_components));
  }
  return results;
}

mesh::Scene ComponentGenerator::decode(const at::Tensor& latents) {
  mesh::Scene scene;
  for (auto& surface : vae::decode_components(vae_, latents, decoder_)) {
    const auto index = static_cast<int>(scene.components.size());
    char name[32];
    std::snprintf(name, sizeof(name), "component_%02d", index);
    scene.components.push_back({name, std::move(surface), mesh::component_color(index)});
  }
  return scene;
}

std::vector<mesh::Scene> ComponentGenerator::generate(const std::vector<Request>& requests) {
  std::vector<mesh::Scene> scenes;
  for (const auto& latents : generate_latents(requests)) {
    scenes.push_back(decode(latents));
  }
  return scenes;
}

}  // namespace moca::generation
