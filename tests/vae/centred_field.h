#pragma once

#include <ATen/ATen.h>
#include <torch/types.h>

#include "moca/core/generator.h"
#include "moca/vae/vecset_vae.h"

namespace moca::testing {

// Shifts the field of an untrained VAE so that about half of [-1, 1]^3 is inside these components:
// by itself such a field hardly ever crosses 0.
inline void centre_field(vae::VecsetVae& vae, const at::Tensor& latents) {
  const torch::NoGradGuard no_grad;
  const auto queries =
      at::rand({latents.size(0), 2000, 3}, generator_for(1, "centre"), at::TensorOptions()) * 2 - 1;
  const auto field = vae->query_field(vae->decode(latents), queries);
  // The raw output is minus the field.
  vae->named_parameters()["decoder.proj_out.bias"].add_(field.median());
}

}  // namespace moca::testing
