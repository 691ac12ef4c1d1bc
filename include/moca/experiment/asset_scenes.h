#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "moca/data/prepared_dataset.h"
#include "moca/experiment/run_config.h"
#include "moca/generation/conditioner.h"
#include "moca/generation/request.h"
#include "moca/mesh/triangle_mesh.h"
#include "moca/vae/component_decoder.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

// The views that an asset is generated from. A drawn one depends on the seed and the asset's id,
// not on its place in the dataset. Throws Error for a fixed view that the asset lacks.
std::vector<int64_t> views_of(const EvaluationConfig& config, const data::AssetRecord& record);

// As many components as an asset has, from its image `view` and what the conditioners (those beside
// the image's have inputs of their own) know of it.
generation::Request request_of(const data::PreparedDataset& dataset, int64_t asset, int64_t view,
                               uint64_t seed, const generation::Conditioners& conditioners);

// The seed an asset is generated with: its own wherever it stands and whatever is generated with
// it.
uint64_t generation_seed(const EvaluationConfig& config, const data::AssetRecord& record);

// Latents [n, L, C] of an asset's components, each drawn once from its posterior.
at::Tensor latents_of(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                      int64_t seed);

// The decoder's meshes of an asset's components, each drawn once from its posterior: what the
// decoder was trained on and the DiT learns. A wide posterior's mean is neither.
mesh::Scene reconstruct(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                        int64_t seed, const vae::DecoderConfig& decoder, bool use_bf16 = false);

// What the decoder's lattice makes of a field without any error: every component's exact signed
// distance, in the units that the VAE is trained to give (divided by `truncation` and clipped),
// through the same extraction. Open components are closed as the dataset's preparation closes them.
mesh::Scene exact_field_scene(const mesh::Scene& reference, const data::DataConfig& data,
                              double truncation, const vae::DecoderConfig& decoder);

// asset.glb, and every component that has a surface as .glb, .ply and .obj.
void write_asset(const std::filesystem::path& folder, const mesh::Scene& scene);

}  // namespace moca::experiment
