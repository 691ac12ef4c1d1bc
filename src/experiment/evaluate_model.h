#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "moca/data/prepared_dataset.h"
#include "moca/experiment/evaluation_result.h"
#include "moca/experiment/run_config.h"
#include "moca/generation/component_generator.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::experiment {

// What an evaluation asks of a model.
struct ScoredModel {
  // One scene per request. Empty: the model generates nothing (a run of stage vae).
  std::function<std::vector<mesh::Scene>(const std::vector<generation::Request>&)> generate;
  // The VAE's meshes of an asset of the dataset.
  std::function<mesh::Scene(int64_t asset)> reconstruct;
  // What the decoder's extraction makes of a reference's exact field.
  std::function<mesh::Scene(const mesh::Scene& reference)> extract_exact_field;
  generation::Conditioners conditioners = {};  // what it is told of an asset beside its image
  c10::Device device = c10::kCPU;              // where its scenes are scored
};

// Generates every asset of the dataset from its image, scores it against its reference (and, as
// controls, against another asset's, and from another asset's image), scores the VAE's
// reconstruction of every component and what extraction alone makes of the exact field. The
// generated assets are written into one folder each in `output`.
EvaluationResult evaluate_model(const ScoredModel& model, const data::PreparedDataset& dataset,
                                const EvaluationConfig& config,
                                const std::filesystem::path& output);

}  // namespace moca::experiment
