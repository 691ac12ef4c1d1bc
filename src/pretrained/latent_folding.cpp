#include "latent_folding.h"

#include <ATen/ATen.h>

#include "moca/core/error.h"

namespace moca::pretrained {

using checkpoint::NamedTensors;

NamedTensors fold_statistics(const NamedTensors& vae, const at::Tensor& mean,
                             const at::Tensor& std) {
  const std::map<std::string, at::Tensor> stored(vae.begin(), vae.end());
  const auto exact = [&](const char* name) { return stored.at(name).to(at::kDouble); };
  const auto m = mean.to(at::kDouble);
  const auto s = std.to(at::kDouble);
  const auto one = at::ones_like(s);
  const auto scale = at::cat({s, one});                // of quant's rows [2 C]
  const auto shift = at::cat({m / s, 2.0 * s.log()});  // after the division
  const auto post_quant = exact("post_quant.weight");  // [D, C]
  const std::map<std::string, at::Tensor> folded = {
      {"quant.weight", exact("quant.weight") / scale.unsqueeze(1)},
      {"quant.bias", exact("quant.bias") / scale - shift},
      {"post_quant.weight", post_quant * s},
      {"post_quant.bias", exact("post_quant.bias") + at::mv(post_quant, m)},
  };
  NamedTensors result = vae;
  for (auto& [name, tensor] : result) {
    if (const auto found = folded.find(name); found != folded.end()) {
      tensor = found->second.to(tensor.scalar_type());
    }
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
      throw Error(folded.path(), ": ", name, " is not what ", unfolded.path(),
                  " gives with its statistics folded in, so one of the two was changed. Remove "
                  "the latter to use the former, or export the run again.");
    }
  }
}

}  // namespace moca::pretrained
