#include "latent_folding.h"

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>

#include "moca/core/error.h"

namespace moca::pretrained {

using checkpoint::NamedTensors;

NamedTensors fold_statistics(const NamedTensors& vae, const at::Tensor& mean,
                             const at::Tensor& std) {
  const auto m = mean.to(at::kDouble);
  const auto s = std.to(at::kDouble);
  const auto one = at::ones_like(s);
  const auto scale = at::cat({s, one});                // of quant's rows [2 C]
  const auto shift = at::cat({m / s, 2.0 * s.log()});  // after the division
  const auto post_quant = [&] {                        // [D, C]
    for (const auto& [name, tensor] : vae) {
      if (name == "post_quant.weight") {
        return tensor.to(at::kDouble);
      }
    }
    return at::Tensor();
  }();
  const std::map<std::string, std::function<at::Tensor(const at::Tensor&)>> folded = {
      {"quant.weight", [&](const at::Tensor& weight) { return weight / scale.unsqueeze(1); }},
      {"quant.bias", [&](const at::Tensor& bias) { return bias / scale - shift; }},
      {"post_quant.weight", [&](const at::Tensor& weight) { return weight * s; }},
      {"post_quant.bias", [&](const at::Tensor& bias) { return bias + at::mv(post_quant, m); }},
  };
  NamedTensors result;
  for (const auto& [name, tensor] : vae) {
    const auto found = folded.find(name);
    result.emplace_back(name, found == folded.end()
                                  ? tensor
                                  : found->second(tensor.to(at::kDouble)).to(tensor.scalar_type()));
  }
  return result;
}

NamedTensors unfolded_tensors(const NamedTensors& vae, const at::Tensor& mean,
                              const at::Tensor& std) {
  NamedTensors result = {{"latents_mean", mean}, {"latents_std", std}};
  for (const auto& [name, tensor] : vae) {
    if (name.starts_with("quant.") || name.starts_with("post_quant.")) {
      result.emplace_back(name, tensor);
    }
  }
  return result;
}

void require_folded(const checkpoint::Weights& folded, const checkpoint::Weights& unfolded) {
  NamedTensors layers;
  for (const auto& [name, entry] : unfolded.entries()) {
    if (name.starts_with("quant.") || name.starts_with("post_quant.")) {
      layers.emplace_back(name, unfolded.read(name));
    }
  }
  for (const auto& [name, tensor] :
       fold_statistics(layers, unfolded.read("latents_mean"), unfolded.read("latents_std"))) {
    const auto stored = folded.read(name);
    const double roundings = stored.scalar_type() == at::kFloat ? 1e-5 : 1e-2;  // of F16, BF16
    if (!at::allclose(stored.to(at::kDouble), tensor.to(at::kDouble), roundings, 1e-6)) {
      throw Error(folded.path().string() + ": " + name + " is not what " +
                  unfolded.path().string() +
                  " gives with its statistics folded in, so one of the two was changed. Remove "
                  "the latter to use the former, or export the run again.");
    }
  }
}

}  // namespace moca::pretrained
