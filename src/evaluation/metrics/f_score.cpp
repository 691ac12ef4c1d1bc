#include <algorithm>
#include <set>
#include <string>

#include "moca/core/error.h"
#include "moca/core/text.h"
#include "moca/evaluation/metric.h"

namespace moca::evaluation {
namespace {

double share_below(const std::vector<double>& distances, double threshold) {
  const auto count = std::ranges::count_if(distances, [&](double d) { return d < threshold; });
  return static_cast<double>(count) / static_cast<double>(distances.size());
}

}  // namespace

void MetricConfig::validate(const std::string& path) const {
  if (thresholds.empty()) {
    throw Error((path.empty() ? "" : path + "."),
                "thresholds is empty: the F-score needs a distance, as [0.1, 0.05].");
  }
  if (std::set(thresholds.begin(), thresholds.end()).size() != thresholds.size()) {
    throw Error((path.empty() ? "" : path + "."), "thresholds names a distance twice.");
  }
}

// One per threshold; 0 where precision + recall = 0.
Scores f_scores(const Comparison& comparison) {
  Scores scores;
  for (const double threshold : comparison.config.thresholds) {
    const double precision = share_below(comparison.to_reference, threshold);
    const double recall = share_below(comparison.to_prediction, threshold);
    const double sum = precision + recall;
    scores.push_back({formatted("f_score_%g", threshold), formatted("F@%g", threshold),
                      Better::kHigher, sum > 0 ? 2 * precision * recall / sum : 0.0, ""});
  }
  return scores;
}

}  // namespace moca::evaluation
