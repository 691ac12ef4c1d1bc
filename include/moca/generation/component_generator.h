#pragma once

#include <array>
#include <utility>
#include <vector>

#include "moca/flow/euler_sampler.h"
#include "moca/generation/component_denoiser.h"
#include "moca/generation/request.h"
#include "moca/mesh/triangle_mesh.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/vecset_vae.h"

namespace moca::generation {

// Which ids components get: random rows of the codebook as in training, or PartCrafter's, counted
// from 0 (see partcrafter_ids).
enum class ComponentIds { kDrawn, kPartCrafter };
constexpr auto enum_names(ComponentIds) {
  return std::array{std::pair{"drawn", ComponentIds::kDrawn},
                    std::pair{"partcrafter", ComponentIds::kPartCrafter}};
}

// One image to one mesh per component: image encoder, Euler sampling of the DiT's velocity with
// guidance, the VAE's decoder, marching cubes.
class ComponentGenerator {
 public:
  // The modules are switched to inference. `use_bf16`: the DiT, and on a GPU the VAE, run under
  // bf16 autocast.
  ComponentGenerator(ComponentDenoiser denoiser, vae::VecsetVae vae,
                     const flow::SamplerConfig& sampler, const vae::DecoderConfig& decoder,
                     bool use_bf16, ComponentIds component_ids = ComponentIds::kDrawn);

  // All requests together as one batch; result i belongs to request i and does not depend on the
  // others.
  std::vector<mesh::Scene> generate(const std::vector<Request>& requests);

  // The latents only: [n_i, L, C] per request, standardised as the DiT's are.
  std::vector<at::Tensor> generate_latents(const std::vector<Request>& requests);

  // Meshes of one asset's standardised latents [N, L, C], named and coloured by component.
  mesh::Scene decode(const at::Tensor& latents);

  // Whether every request needs a component map.
  bool takes_component_maps() const;

 private:
  // Noise, ids and mask of a batch, each asset's from its own seed.
  struct BatchStart {
    at::Tensor noise;              // [B, N, L, C]
    at::Tensor conditioned_ids;    // [B, N]
    at::Tensor unconditioned_ids;  // [B, N], the same unless PartCrafter's
    at::Tensor component_mask;     // [B, N], on the host
  };
  BatchStart start_of(const std::vector<Request>& requests) const;
  // Of all conditioners, each [B, ...].
  std::vector<at::Tensor> inputs_of(const std::vector<Request>& requests, c10::Device device) const;

  ComponentDenoiser denoiser_;
  vae::VecsetVae vae_;
  flow::SamplerConfig sampler_;
  vae::DecoderConfig decoder_;
  bool use_bf16_;
  ComponentIds component_ids_;
};

}  // namespace moca::generation
