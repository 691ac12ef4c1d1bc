// A metric: how far the generated volume is from the reference's. It appears in evaluation.json,
// in reports and in validations like moca's own.
#include <algorithm>
#include <cmath>

#include "extend.h"
#include "moca/evaluation/metric.h"
#include "moca/mesh/scene_ops.h"

namespace {

double volume(const moca::mesh::Scene& scene) {
  double sum = 0;
  for (const auto& component : scene.components) {
    sum += std::abs(moca::mesh::signed_volume(component.mesh));
  }
  return sum;
}

moca::evaluation::Scores volume_scores(const moca::evaluation::Comparison& comparison) {
  const double reference = volume(comparison.reference);
  const double error = std::abs(volume(comparison.prediction) - reference);
  return {{"volume_error", "volume error", moca::evaluation::Better::kLower,
           error / std::max(reference, 1e-6), "relative to the reference's volume"}};
}

}  // namespace

void register_volume() { moca::evaluation::metrics().push_back({"volume", volume_scores}); }
