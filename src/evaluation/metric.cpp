#include "moca/evaluation/metric.h"

#include <algorithm>
#include <utility>

#include "moca/core/error.h"

namespace moca::evaluation {

// Each in a file of metrics/.
Scores chamfer_scores(const Comparison& comparison);
Scores f_scores(const Comparison& comparison);
Scores self_iou_scores(const Comparison& comparison);

std::vector<Metric>& metrics() {
  static std::vector<Metric> table = {
      {"chamfer", chamfer_scores},
      {"f_score", f_scores},
      {"self_iou", self_iou_scores, /*compares=*/false},
  };
  return table;
}

Scores scores_of(const Comparison& comparison, Scored scored) {
  Scores all;
  for (const Metric& metric : metrics()) {
    if (scored == Scored::kAgainstReference && !metric.compares) {
      continue;
    }
    for (Score& score : metric.scores(comparison)) {
      if (std::ranges::find(all, score.name, &Score::name) != all.end()) {
        throw Error("metrics: two scores are called ", score.name, ", the second by metric ",
                    metric.name, ". Give every threshold and every metric once.");
      }
      all.push_back(std::move(score));
    }
  }
  return all;
}

Scores compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                      const MetricConfig& config, Scored scored, c10::Device device) {
  const ComparisonFrames frames = comparison_frames(prediction, reference, config);
  return scores_of(comparison_of(prediction, reference, frames, config, device), scored);
}

}  // namespace moca::evaluation
