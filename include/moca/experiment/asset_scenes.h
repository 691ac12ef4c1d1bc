#pragma once

#include <cstdint>

#include "moca/data/prepared_dataset.h"
#include "moca/experiment/run_config.h"
#include "moca/generation/component_generator.h"
#include "moca/mesh/triangle_mesh.h"
#include "moca/vae/vecset_vae.h"

namespace moca::experiment {

// As many components as an asset has, from its first picture.
generation::Request request_of(const data::PreparedDataset& dataset, int64_t asset, uint64_t seed);

// The decoder's meshes of an asset's components, each drawn once from its posterior: what the
// decoder was trained on and the DiT learns. A wide posterior's mean is neither.
mesh::Scene reconstruct(vae::VecsetVae& vae, const data::PreparedDataset& dataset, int64_t asset,
                        const RunConfig& config, c10::Device device);

}  // namespace moca::experiment
