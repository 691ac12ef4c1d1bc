#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moca/flow/euler_sampler.h"
#include "moca/generation/component_denoiser.h"
#include "moca/image/image.h"
#include "moca/mesh/triangle_mesh.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/vecset_vae.h"

namespace moca::generation {

// One thing to generate.
struct Request {
  Image picture;               // RGB or RGBA, any size
  int64_t num_components = 1;  // N
  uint64_t seed = 0;           // of the noise and of the component ids
};

// One picture to one mesh per component: image encoder, Euler sampling of the DiT's velocity with
// guidance, the VAE's decoder, marching cubes.
class ComponentGenerator {
 public:
  // The modules are switched to inference. `use_bf16`: the DiT runs under bf16 autocast.
  ComponentGenerator(ComponentDenoiser denoiser, vae::VecsetVae vae,
                     const flow::SamplerConfig& sampler, const vae::DecoderConfig& decoder,
                     bool use_bf16);

  // All requests together as one batch; result i belongs to request i and does not depend on the
  // others.
  std::vector<mesh::Scene> generate(const std::vector<Request>& requests);

  // The latents only: [n_i, L, C] per request, as the VAE's decoder wants them.
  std::vector<at::Tensor> generate_latents(const std::vector<Request>& requests);

  // Meshes of one asset's latents [N, L, C], named and coloured by component.
  mesh::Scene decode(const at::Tensor& latents);

 private:
  ComponentDenoiser denoiser_;
  vae::VecsetVae vae_;
  flow::SamplerConfig sampler_;
  vae::DecoderConfig decoder_;
  bool use_bf16_;
};

// The image encoder's input [1, 3, S, S] from a picture: composited on white, padded to a square,
// resized.
at::Tensor picture_to_input(const Image& picture, int64_t image_size);

}  // namespace moca::generation
