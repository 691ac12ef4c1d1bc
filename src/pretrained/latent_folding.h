#pragma once

#include "moca/checkpoint/weights.h"

namespace moca::pretrained {

// The file beside an exported VAE's weights that gives back the layers before folding: quant.*,
// post_quant.*, latents_mean [C] and latents_std [C], where the run standardised its latents.
inline constexpr const char* kUnfoldedFile = "unfolded.safetensors";

// A VAE's tensors such that its latents are the DiT's: z' = (z - mean) / std becomes part of
// `quant` (whose rows are the mean and the log-variance of z) and z = z' std + mean part of
// `post_quant`. Computed in double, rounded once. mean, std: [C].
checkpoint::NamedTensors fold_statistics(const checkpoint::NamedTensors& vae,
                                         const at::Tensor& mean, const at::Tensor& std);

// What `kUnfoldedFile` holds.
checkpoint::NamedTensors unfolded_tensors(const checkpoint::NamedTensors& vae,
                                          const at::Tensor& mean, const at::Tensor& std);

// Refuses a file of weights that is not what `kUnfoldedFile` beside it folds to: the latter is what
// is loaded, so a change of the former alone would have no effect.
void require_folded(const checkpoint::Weights& folded, const checkpoint::Weights& unfolded);

}  // namespace moca::pretrained
