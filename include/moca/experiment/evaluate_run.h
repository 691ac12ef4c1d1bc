#pragma once

#include <filesystem>

#include "moca/experiment/run_config.h"

namespace moca::experiment {

// Generates every asset of the run's dataset from its picture, scores it against its reference
// (and, as controls, against another asset's, and from another asset's picture), scores the VAE's
// reconstruction of every component, and writes evaluation.json and one folder per asset into
// `output`. A run of stage vae is scored on its reconstructions alone. Refuses an output folder
// that exists.
void evaluate_run(const RunConfig& config, const std::filesystem::path& output);

// Writes asset.glb and component_XX.glb, .ply and .obj of a generated asset into a folder.
void write_asset(const std::filesystem::path& folder, const mesh::Scene& scene);

}  // namespace moca::experiment
