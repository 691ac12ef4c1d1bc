#include "../point_distances.h"
#include "moca/evaluation/metric.h"

namespace moca::evaluation {

Scores chamfer_scores(const Comparison& comparison) {
  const MetricConfig& config = comparison.config;
  return {{"chamfer", "Chamfer", Better::kLower,
           chamfer_distance(comparison.to_reference, comparison.to_prediction, config.chamfer),
           std::string(config::name_of(config.chamfer)) + ", " + std::to_string(config.num_points) +
               " points, alignment " + config::name_of(config.alignment)}};
}

}  // namespace moca::evaluation
