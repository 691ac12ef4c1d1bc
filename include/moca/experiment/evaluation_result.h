#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "moca/evaluation/geometry_metrics.h"

namespace moca::experiment {

struct AssetScore {
  std::string id;
  std::string split;
  int64_t num_components = 0;
  evaluation::SceneMetrics generated;  // from its own picture, against its own reference
  evaluation::PointMetrics control;    // the same generated asset against another asset's reference
  std::string control_id;
  evaluation::PointMetrics
      other_picture;  // from the other asset's picture with this one's seed, against the other
  evaluation::SceneMetrics reconstruction;  // the VAE's own, the ceiling of what can be generated
};

struct ComponentScore {
  std::string asset;
  std::string component;
  std::string split;
  evaluation::PointMetrics reconstruction;
};

// What an evaluation of a run found.
struct EvaluationResult {
  evaluation::MetricConfig metrics;
  std::vector<AssetScore> assets;
  std::vector<ComponentScore> components;
};

// evaluation.json: conventions, means per split, VAE components (median, mean, the worst ten),
// every asset.
std::string json_of(const EvaluationResult& result);

// "F@0.1", "F@0.05": how a threshold is called.
std::string f_score_name(double threshold);

double mean_of(const std::vector<double>& values);  // 0 for none
double median_of(std::vector<double> values);       // 0 for none

}  // namespace moca::experiment
