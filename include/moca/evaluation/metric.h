#pragma once

#include <functional>
#include <string>
#include <vector>

#include "moca/evaluation/comparison.h"
#include "moca/evaluation/metric_config.h"
#include "moca/evaluation/score.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// A way to score a prediction; it gives the same scores for every comparison.
struct Metric {
  std::string name;
  std::function<Scores(const Comparison&)> scores;
  bool compares = true;  // false: it scores the whole prediction alone, without the reference
};

// Every metric, in the order in which results list them. One of moca's own is a file of
// src/evaluation/metrics and a line of the table in metric.cpp. A program that uses moca as a
// library adds its own before it evaluates, `metrics().push_back({"mine", my_scores})`, and finds
// it in evaluation.json, in reports and in the records of validations.
std::vector<Metric>& metrics();

// Which metrics score: all, or those alone that compare with the reference. The others have nothing
// to say of a component by itself, and nothing new of a prediction beside another reference.
enum class Scored { kAll, kAgainstReference };

// Throws Error where two scores have one name.
Scores scores_of(const Comparison& comparison, Scored scored = Scored::kAll);

// Of two scenes in comparison_frames, nearest points searched for on `device`.
Scores compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                      const MetricConfig& config, Scored scored = Scored::kAll,
                      c10::Device device = c10::kCPU);

}  // namespace moca::evaluation
