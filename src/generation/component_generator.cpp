#include "moca/generation/component_generator.h"

#include <ATen/ATen.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "moca/core/error.h"
#include "moca/core/generator.h"
#include "moca/core/interrupt.h"
#include "moca/core/logging.h"
#include "moca/generation/part_ids.h"
#include "moca/image/component_map.h"
#include "moca/image/image_io.h"
#include "moca/image/resize.h"
#include "moca/mesh/renderer.h"
#include "moca/nn/autocast.h"

namespace moca::generation {
namespace {

// How many components the model has ids for.
int64_t max_components_of(const dit::DitConfig& config, ComponentIds ids, double guidance_scale) {
  if (config.codebook_size == 0) {
    // TripoSG makes one object; PartCrafter without part embedding any number of parts that only
    // their noise tells apart.
    const bool one = config.global_attention == dit::GlobalAttentionKind::kNone;
    return one ? 1 : std::numeric_limits<int64_t>::max();
  }
  const bool both_halves = ids == ComponentIds::kPartCrafter && guidance_scale > 1.0;
  return both_halves ? config.codebook_size / 2 : config.codebook_size;
}

// Ids [N] of an asset's components, with the picture or without.
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
      throw Error("cannot generate " + std::to_string(request.num_components) +
                  " components: the model's codebook has ids for 1 to " + std::to_string(limit) +
                  ".");
    }
    most = std::max(most, request.num_components);
  }
  return most;
}

at::Device device_of(torch::nn::Module& module) { return module.parameters().front().device(); }

// [S, S, channels] bytes of a picture as the dataset has them.
at::Tensor square_bytes(const Image& picture, int64_t image_size) {
  auto prepared = to_square_rgb(picture, static_cast<int>(image_size));
  return at::from_blob(prepared.pixels.data(), {image_size, image_size, 3}, at::kByte).clone();
}

// What preprocess.h makes of every component for an image encoder of 7 channels: [N, 7, H, W].
at::Tensor scene_inputs(const Request& request, const image_encoder::PreprocessConfig& config) {
  const auto scene = to_rgb(request.picture);
  std::vector<at::Tensor> inputs;
  for (int64_t i = 0; i < request.num_components; ++i) {
    Image own = scene;
    Image mask(scene.width, scene.height, 1);
    for (size_t pixel = 0; pixel < mask.pixels.size(); ++pixel) {
      if (request.component_map.pixels[pixel] == i + 1) {
        mask.pixels[pixel] = 255;
      } else {
        std::fill_n(&own.pixels[3 * pixel], 3, uint8_t{255});
      }
    }
    inputs.push_back(image_encoder::scene_input(own, scene, mask, config));
  }
  return at::stack(inputs);
}

void check_component_map(const Request& request) {
  const Image& picture = request.picture;
  const ComponentMap& map = request.component_map;
  const auto size_text = [](const auto& image) {
    return std::to_string(image.width) + " x " + std::to_string(image.height);
  };
  if (map.pixels.empty()) {
    throw Error(
        "the model was trained with component masks: it needs a map of the picture in which pixels "
        "of component i hold i + 1 and the background 0. Give it with --component-map.");
  }
  if (map.width != picture.width || map.height != picture.height) {
    throw Error("the component map (" + size_text(map) + ") must have the picture's size (" +
                size_text(picture) + ").");
  }
  const int largest = *std::max_element(map.pixels.begin(), map.pixels.end());
  if (largest == 0) {
    throw Error("the component map marks no component: its pixels are all 0, the background.");
  }
  if (largest > request.num_components) {
    throw Error("a pixel of the component map names component " + std::to_string(largest) +
                ", but " + std::to_string(request.num_components) +
                " are asked for. Pixels of component i hold i + 1, the background 0.");
  }
}

// A component so small that the model's picture has no pixel of it. inputs: [N, 7, H, W], the mask
// last.
void warn_of_lost(const ComponentMap& map, const at::Tensor& inputs) {
  const auto is_left = inputs.select(1, 6).flatten(1).ne(0).any(1);
  for (const uint16_t number : numbers_in(map)) {
    if (!is_left[number - 1].item<bool>()) {
      log::warn("component " + std::to_string(number - 1) +
                " is too small to be seen: none of its pixels is left at " +
                std::to_string(inputs.size(3)) + " x " + std::to_string(inputs.size(2)));
    }
  }
}

}  // namespace

at::Tensor picture_to_input(const Image& picture, int64_t image_size) {
  return image_encoder::normalise_images(square_bytes(picture, image_size).unsqueeze(0))[0];
}

at::Tensor component_pictures_to_input(const Image& picture, const ComponentMap& component_map,
                                       int64_t num_components, int64_t image_size) {
  const int size = static_cast<int>(image_size);
  const auto map = resize_nearest(pad_to_square(component_map), size, size);
  auto ids = at::empty({image_size, image_size}, at::kInt);
  std::copy(map.pixels.begin(), map.pixels.end(), ids.data_ptr<int32_t>());
  return image_encoder::component_images(square_bytes(picture, image_size), ids, num_components);
}

ComponentGenerator::ComponentGenerator(ComponentDenoiser denoiser, vae::VecsetVae vae,
                                       const flow::SamplerConfig& sampler,
                                       const vae::DecoderConfig& decoder, bool use_bf16,
                                       Conditioning conditioning)
    : denoiser_(std::move(denoiser)),
      vae_(std::move(vae)),
      sampler_(sampler),
      decoder_(decoder),
      use_bf16_(use_bf16),
      conditioning_(conditioning) {
  denoiser_->eval();
  vae_->eval();
}

bool ComponentGenerator::takes_component_maps() const {
  return denoiser_->image_encoder()->config().sees_components();
}

at::Tensor ComponentGenerator::picture_input(const Request& request) const {
  const int64_t image_size = denoiser_->image_encoder()->config().image_size;
  const auto& preprocess = conditioning_.preprocess;
  if (!takes_component_maps()) {
    return preprocess ? image_encoder::preprocess_picture(request.picture, *preprocess)
                      : picture_to_input(request.picture, image_size);
  }
  check_component_map(request);
  const auto inputs = preprocess
                          ? scene_inputs(request, *preprocess)
                          : component_pictures_to_input(request.picture, request.component_map,
                                                        request.num_components, image_size);
  warn_of_lost(request.component_map, inputs);
  return inputs;
}

ComponentGenerator::BatchStart ComponentGenerator::start_of(
    const std::vector<Request>& requests) const {
  const auto& dit_config = denoiser_->dit()->config();
  const auto ids = conditioning_.component_ids;
  const double guidance_scale = sampler_.guidance_scale;
  const auto B = static_cast<int64_t>(requests.size());
  const int64_t N = padded_components(requests, max_components_of(dit_config, ids, guidance_scale));
  const int64_t L = vae_->config().num_tokens;
  const int64_t C = vae_->config().latent_channels;
  BatchStart start{at::zeros({B, N, L, C}), at::zeros({B, N}, at::kLong),
                   at::zeros({B, N}, at::kLong), at::zeros({B, N}, at::kBool)};
  for (int64_t b = 0; b < B; ++b) {
    const auto& request = requests[b];
    const int64_t count = request.num_components;
    start.noise[b]
        .narrow(0, 0, count)
        .copy_(at::randn({count, L, C}, generator_for(request.seed, "sampling noise"),
                         at::TensorOptions()));
    start.conditioned_ids[b]
        .narrow(0, 0, count)
        .copy_(ids_of(request, dit_config, ids, true, guidance_scale));
    start.unconditioned_ids[b]
        .narrow(0, 0, count)
        .copy_(ids_of(request, dit_config, ids, false, guidance_scale));
    start.component_mask[b].narrow(0, 0, count).fill_(true);
  }
  return start;
}

std::vector<at::Tensor> ComponentGenerator::generate_latents(const std::vector<Request>& requests) {
  const torch::NoGradGuard no_grad;
  const auto device = device_of(*denoiser_);
  auto start = start_of(requests);
  for (auto* tensor :
       {&start.noise, &start.conditioned_ids, &start.unconditioned_ids, &start.component_mask}) {
    *tensor = tensor->to(device);
  }
  std::vector<at::Tensor> pictures;
  for (const auto& request : requests) {
    pictures.push_back(picture_input(request));
  }
  const nn::Autocast autocast(device, use_bf16_);
  const auto image_tokens = denoiser_->image_tokens(
      at::pad_sequence(pictures, /*batch_first=*/true).to(device), start.component_mask);
  const auto velocity = [&](const at::Tensor& noisy_latents, const at::Tensor& noise_level,
                            bool conditioned) {
    stop_if_interrupted();
    return denoiser_->velocity(
        {noisy_latents, noise_level, conditioned ? image_tokens : at::Tensor(),
         conditioned ? start.conditioned_ids : start.unconditioned_ids, start.component_mask});
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
  for (auto& surface : vae::decode_components(vae_, of_vae, decoder_)) {
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
