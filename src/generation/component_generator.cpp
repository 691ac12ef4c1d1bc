#include "moca/generation/component_generator.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <limits>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/core/interrupt.h"
#include "moca/core/mapped.h"
#include "moca/core/text.h"
#include "moca/core/transfer.h"
#include "moca/generation/partcrafter_ids.h"
#include "moca/mesh/renderer.h"
#include "moca/nn/autocast.h"

namespace moca::generation {
namespace {

// How many components the model has ids for.
int64_t max_components_of(const dit::DitConfig& config, ComponentIds ids, double guidance_scale) {
  if (config.codebook_size == 0) {
    // TripoSG makes one object; PartCrafter without part embedding any number of components that
    // only their noise tells apart.
    const bool one = config.global_attention == dit::GlobalAttentionKind::kNone;
    return one ? 1 : std::numeric_limits<int64_t>::max();
  }
  const bool both_halves = ids == ComponentIds::kPartCrafter && guidance_scale > 1.0;
  return both_halves ? config.codebook_size / 2 : config.codebook_size;
}

// Ids [N] of an asset's components, with the image or without.
at::Tensor ids_of(const Request& request, const dit::DitConfig& config, ComponentIds ids,
                  bool conditioned, double guidance_scale) {
  if (ids == ComponentIds::kPartCrafter) {
    return partcrafter_ids(request.num_components, conditioned, guidance_scale);
  }
  return dit::draw_component_ids(1, request.num_components, config.codebook_size,
                                 generator_for(request.seed, "component ids"))[0];
}

int64_t padded_components(const std::vector<Request>& requests, int64_t limit) {
  int64_t most = 1;
  for (const auto& request : requests) {
    if (request.num_components < 1 || request.num_components > limit) {
      throw Error("cannot generate ", request.num_components,
                  " components: the model's codebook has ids for 1 to ", limit, ".");
    }
    most = std::max(most, request.num_components);
  }
  return most;
}

at::Device device_of(torch::nn::Module& module) { return module.parameters().front().device(); }

}  // namespace

ComponentGenerator::ComponentGenerator(ComponentDenoiser denoiser, vae::VecsetVae vae,
                                       const flow::SamplerConfig& sampler,
                                       const vae::DecoderConfig& decoder, bool use_bf16,
                                       ComponentIds component_ids)
    : denoiser_(std::move(denoiser)),
      vae_(std::move(vae)),
      sampler_(sampler),
      decoder_(decoder),
      use_bf16_(use_bf16),
      component_ids_(component_ids) {
  denoiser_->eval();
  vae_->eval();
}

bool ComponentGenerator::takes_component_maps() const {
  const auto& conditioners = denoiser_->conditioners();
  return std::ranges::any_of(conditioners, &Conditioner::takes_component_maps);
}

ComponentGenerator::BatchStart ComponentGenerator::start_of(
    const std::vector<Request>& requests) const {
  const auto& dit_config = denoiser_->dit()->config();
  const double guidance_scale = sampler_.guidance_scale;
  const auto B = std::ssize(requests);
  const int64_t N =
      padded_components(requests, max_components_of(dit_config, component_ids_, guidance_scale));
  const int64_t L = vae_->config().num_tokens;
  const int64_t C = vae_->config().latent_channels;
  BatchStart start{at::zeros({B, N, L, C}), at::zeros({B, N}, at::kLong),
                   at::zeros({B, N}, at::kLong), at::zeros({B, N}, at::kBool)};
  for (int64_t b = 0; b < B; ++b) {
    const auto& request = requests[b];
    const int64_t count = request.num_components;
    const auto own = [&](const at::Tensor& of_batch) { return of_batch[b].narrow(0, 0, count); };
    own(start.noise)
        .copy_(at::randn({count, L, C}, generator_for(request.seed, "sampling noise"),
                         at::TensorOptions()));
    own(start.conditioned_ids)
        .copy_(ids_of(request, dit_config, component_ids_, true, guidance_scale));
    own(start.unconditioned_ids)
        .copy_(ids_of(request, dit_config, component_ids_, false, guidance_scale));
    own(start.component_mask).fill_(true);
  }
  return start;
}

std::vector<at::Tensor> ComponentGenerator::inputs_of(const std::vector<Request>& requests,
                                                      c10::Device device) const {
  std::vector<at::Tensor> inputs;
  for (const auto& conditioner : denoiser_->conditioners()) {
    const auto of_requests =
        mapped(requests, [&](const Request& request) { return conditioner->input(request); });
    inputs.push_back(to_device(at::pad_sequence(of_requests, /*batch_first=*/true), device));
  }
  return inputs;
}

std::vector<at::Tensor> ComponentGenerator::generate_latents(const std::vector<Request>& requests) {
  const torch::NoGradGuard no_grad;
  const auto device = device_of(*denoiser_);
  auto start = start_of(requests);
  for (auto* tensor : {&start.noise, &start.conditioned_ids, &start.unconditioned_ids}) {
    *tensor = to_device(*tensor, device);
  }
  const auto inputs = inputs_of(requests, device);
  const nn::Autocast autocast(device, use_bf16_);
  const auto conditions = denoiser_->conditions(inputs, start.component_mask);
  const auto null = mapped(conditions, dit::null_of);
  const auto velocity = [&](const at::Tensor& noisy_latents, const at::Tensor& noise_level,
                            bool conditioned) {
    stop_if_interrupted();
    return denoiser_->velocity({noisy_latents, noise_level,
                                conditioned ? start.conditioned_ids : start.unconditioned_ids,
                                start.component_mask, conditioned ? conditions : null});
  };
  const auto latents = flow::sample(velocity, start.noise, sampler_);
  std::vector<at::Tensor> results;
  for (size_t b = 0; b < requests.size(); ++b) {
    results.push_back(latents[static_cast<int64_t>(b)].narrow(0, 0, requests[b].num_components));
  }
  return results;
}

mesh::Scene ComponentGenerator::decode(const at::Tensor& latents) {
  mesh::Scene scene;
  const auto of_vae = denoiser_->latent_statistics()->restore(latents);
  for (auto& surface : vae::decode_components(vae_, of_vae, decoder_, use_bf16_)) {
    const auto index = static_cast<int>(scene.components.size());
    scene.components.push_back(
        {formatted("component_%02d", index), std::move(surface), mesh::component_color(index)});
  }
  return scene;
}

std::vector<mesh::Scene> ComponentGenerator::generate(const std::vector<Request>& requests) {
  return mapped(generate_latents(requests),
                [this](const at::Tensor& latents) { return decode(latents); });
}

}  // namespace moca::generation
