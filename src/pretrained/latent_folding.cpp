#include "moca/pretrained/latent_folding.h"

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>

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

}  // namespace moca::pretrained
