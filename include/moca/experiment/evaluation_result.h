#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moca/evaluation/score.h"
#include "moca/experiment/run_config.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::experiment {

// Components that got no surface.
struct EmptyComponents {
  int64_t count = 0;
  int64_t of = 0;  // components in all

  EmptyComponents& operator+=(const EmptyComponents& more) {
    count += more.count;
    of += more.of;
    return *this;
  }
};

EmptyComponents empty_in(const mesh::Scene& scene);

// An image that an asset was generated from.
struct UsedView {
  int64_t index = 0;
  double azimuth = 0;  // degrees, as the dataset's cameras
  double elevation = 0;
};

// One of the scenes that are scored of an asset.
struct ScoredScene {
  evaluation::Scores scores;  // none: it was not scored
  EmptyComponents empty;      // of all views together
};

// Scores of an asset that is generated from several views are means over them.
struct AssetScore {
  std::string id;
  std::string split;
  int64_t num_components = 0;
  std::vector<UsedView> views;
  std::string control_id = {};
  ScoredScene generated = {};  // from its own image, against its own reference
  ScoredScene control = {};    // the same generated asset against another asset's reference
  // From the other asset's image with this one's seed, against the other.
  ScoredScene other_image = {};
  ScoredScene reconstruction = {};  // the VAE's own, the ceiling of what can be generated
  ScoredScene exact_field = {};     // the exact field, extracted: the decoder's ceiling
};

// What everything that lists or shows the scenes of an asset knows of them.
struct SceneKind {
  const char* name;   // in evaluation.json
  const char* title;  // in reports
  ScoredScene AssetScore::*scene;
  bool is_control = false;  // another asset's: no empty components, nothing of the prediction alone
};
inline constexpr std::array<SceneKind, 5> kScenes = {{
    {"generated", "generated", &AssetScore::generated},
    {"control", "control", &AssetScore::control, true},
    {"other_picture", "other image", &AssetScore::other_image, true},
    {"vae_reconstruction", "VAE reconstruction (ceiling)", &AssetScore::reconstruction},
    {"exact_field", "exact field, extracted (the decoder's ceiling)", &AssetScore::exact_field},
}};

struct ComponentScore {
  std::string asset;
  std::string component;
  std::string split;
  evaluation::Scores scores;  // of the VAE's reconstruction
};

// What a result was made with, as it is written beside it.
struct ModelDescription {
  std::string folder;           // of the run, or of the weights
  std::optional<int64_t> step;  // of the run's checkpoint
  // Those of sampler and decoder, the precision, and those of the model that are not the run's own,
  // as they are written in YAML.
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> accepted;  // inputs that are not those of the training (check_inputs)
};

// What an evaluation of a run found.
struct EvaluationResult {
  ModelDescription model;
  EvaluationConfig config;
  std::vector<AssetScore> assets;
  std::vector<ComponentScore> components;
};

// evaluation.json: the model, conventions, what the scores are, means and empty components per
// split, VAE components (median, mean, the worst ten by the first score), every asset.
std::string json_of(const EvaluationResult& result);

// The same for a reader in a terminal: a line of means and empty components for each scene that is
// no control, split by split.
std::vector<std::string> summary_lines(const EvaluationResult& result);

}  // namespace moca::experiment
