#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "moca/evaluation/geometry_metrics.h"
#include "moca/experiment/model_description.h"
#include "moca/experiment/run_config.h"

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

// A picture that an asset was generated from.
struct UsedView {
  int64_t index = 0;
  double azimuth = 0;  // degrees, as the dataset's cameras
  double elevation = 0;
};

// Scores of an asset that is generated from several views are means over them.
struct AssetScore {
  std::string id;
  std::string split;
  int64_t num_components = 0;
  std::vector<UsedView> views;
  evaluation::SceneMetrics generated;  // from its own picture, against its own reference
  evaluation::PointMetrics control;    // the same generated asset against another asset's reference
  std::string control_id;
  evaluation::PointMetrics
      other_picture;  // from the other asset's picture with this one's seed, against the other
  evaluation::SceneMetrics reconstruction;  // the VAE's own, the ceiling of what can be generated
  evaluation::SceneMetrics exact_field;     // the exact field, extracted: the decoder's ceiling
  EmptyComponents generated_empty;          // of all views together
  EmptyComponents reconstruction_empty;
  EmptyComponents exact_field_empty;
};

// Adds `weight` times every figure of `more`.
void add(double weight, const evaluation::PointMetrics& more, evaluation::PointMetrics& sum);
void add(double weight, const evaluation::SceneMetrics& more, evaluation::SceneMetrics& sum);

struct ComponentScore {
  std::string asset;
  std::string component;
  std::string split;
  evaluation::PointMetrics reconstruction;
};

// What an evaluation of a run found.
struct EvaluationResult {
  ModelDescription model;
  evaluation::MetricConfig metrics;
  int64_t seed = 0;  // of noise, ids and views
  ViewRule view = ViewRule::kFixed;
  int64_t view_index = 0;  // for ViewRule::kFixed
  std::vector<AssetScore> assets;
  std::vector<ComponentScore> components;
};

// evaluation.json: the model, conventions, means and empty components per split, VAE components
// (median, mean, the worst ten), every asset.
std::string json_of(const EvaluationResult& result);

// The same for a reader in a terminal: a line of means and empty components for each of generated,
// VAE reconstruction and exact field, split by split.
std::string summary_text(const EvaluationResult& result);

// "F@0.1", "F@0.05": how a threshold is called.
std::string f_score_name(double threshold);

double mean_of(const std::vector<double>& values);  // 0 for none
double median_of(std::vector<double> values);       // 0 for none

}  // namespace moca::experiment
