#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "moca/evaluation/metric_config.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// Where the two scenes of a comparison are moved to: the reference is centred and its longest side
// scaled to 2, as PartCrafter does, and the prediction moves with it (or is normalised by itself,
// where the config says so).
struct ComparisonFrames {
  mesh::Frame prediction;
  mesh::Frame reference;
};
// Throws Error for a reference without faces.
ComparisonFrames comparison_frames(const mesh::Scene& prediction, const mesh::Scene& reference,
                                   const MetricConfig& config);

// The frames in words, for whoever reads a score.
std::string frame_name(const MetricConfig& config);

// "longest side 2, centre (0, 0.5, 0), components 3, without surface 1", as the scene's file places
// it.
std::string scene_text(const mesh::Scene& scene);

// Empty, or why the two are hardly given in one frame: the prediction's size or place differs much
// from the reference's, and the config does not normalise each by itself.
std::string frame_doubt(const mesh::Scene& prediction, const mesh::Scene& reference,
                        const MetricConfig& config);

// What metrics get: a prediction beside its reference, and what several of them need, computed
// once.
struct Comparison {
  MetricConfig config;
  mesh::Scene prediction;  // both in the frames of the comparison, before the alignment
  mesh::Scene reference;
  std::vector<mesh::Vec3> prediction_points;  // drawn on the surfaces; these aligned
  std::vector<mesh::Vec3> reference_points;
  std::vector<double> to_reference;   // of every point of the prediction, to the nearest
  std::vector<double> to_prediction;  // of every point of the reference
};

// Of two scenes that are given in one frame, as a dataset's, and compared in `frames`. They are
// sampled with different seeds, so a scene compared with itself scores the noise of sampling. A
// prediction without any face is the one point at the origin that PartCrafter puts in place of a
// failed decode. Nearest points are searched for on `device`. Throws Error for a reference without
// faces.
Comparison comparison_of(const mesh::Scene& prediction, const mesh::Scene& reference,
                         const ComparisonFrames& frames, const MetricConfig& config,
                         c10::Device device = c10::kCPU);

// Of two point sets as they are: no scenes, no alignment. Throws Error when one is empty.
Comparison comparison_of(const std::vector<mesh::Vec3>& prediction,
                         const std::vector<mesh::Vec3>& reference, const MetricConfig& config,
                         c10::Device device = c10::kCPU);

}  // namespace moca::evaluation
