#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"
#include "moca/evaluation/alignment.h"
#include "moca/evaluation/point_distances.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::evaluation {

// PartCrafter's conventions, the only ones that fit the paper's magnitudes (docs/decisions.md):
// plain L2, the sum of both directions, no alignment, 204,800 area-weighted points of the fused
// scene.
struct MetricConfig {
  int64_t num_points = 204800;
  std::vector<double> thresholds = {0.1, 0.05};  // of the F-score, strict <
  ChamferForm chamfer = ChamferForm::kSumL2;
  Alignment alignment = Alignment::kNone;
  bool renormalise_prediction = false;  // by itself, instead of moving with the reference
  int64_t iou_resolution = 64;          // voxels along [-1, 1] for the self-IoU
  int64_t seed = 0;

  static void fields(auto& self, auto&& v) {
    v("num_points", self.num_points, "points drawn on each fused scene (PartCrafter: 204800)",
      config::in_range(1, 100000000));
    v("thresholds", self.thresholds, "distances below which a point counts for the F-score",
      config::above(0));
    v("chamfer", self.chamfer, "how the two directions of the Chamfer distance are put together");
    v("alignment", self.alignment,
      "how the prediction is moved before it is compared: best of 4 turns about Y, of 24 axis "
      "rotations, or ICP");
    v("renormalise_prediction", self.renormalise_prediction,
      "centre the prediction and scale its longest side to 2 by itself, instead of moving it with "
      "the reference");
    v("iou_resolution", self.iou_resolution,
      "voxels along [-1, 1] for the self-IoU (PartCrafter: 64)", config::in_range(1, 1024));
    v("seed", self.seed, "seed of the points drawn on the surfaces", config::at_least(0));
  }
};

struct PointMetrics {
  double chamfer = 0;
  std::vector<double> f_scores;  // one per threshold; 0 where precision + recall = 0
};

struct SceneMetrics {
  PointMetrics points;
  double self_iou_mean = 0;  // over unordered pairs of components of the prediction; 0 for one
  double self_iou_max = 0;
};

// Between two point sets as they are: no alignment. Throws Error when one is empty.
PointMetrics compare_points(const std::vector<mesh::Vec3>& prediction,
                            const std::vector<mesh::Vec3>& reference, const MetricConfig& config);

// Mean and maximum over pairs of components.
struct SelfIou {
  double mean = 0;
  double max = 0;
  std::vector<double> pairs;          // (0,1), (0,2), ..., row-major
  std::vector<int64_t> voxel_counts;  // per component
};
// `resolution` voxels along [-1, 1]; a component without faces has none. Of a scene longer than 4
// the voxels are as many times larger.
SelfIou self_iou(const mesh::Scene& scene, int64_t resolution);

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

// "longest side 2, centre (0, 0.5, 0)", as the scene's file places it.
std::string box_text(const mesh::Scene& scene);

// Empty, or why the two are hardly given in one frame: the prediction's size or place differs much
// from the reference's, and the config does not normalise each by itself.
std::string frame_doubt(const mesh::Scene& prediction, const mesh::Scene& reference,
                        const MetricConfig& config);

// The whole comparison of a generated scene with its reference, both given in one frame, as a
// dataset's, and compared in `frames`; the self-IoU's voxels fill [-1, 1] there. The two are
// sampled with different seeds, so a scene compared with itself scores the noise of sampling. A
// prediction without any face is scored as the one point at the origin that PartCrafter puts in
// place of a failed decode. Throws Error for a reference without faces.
SceneMetrics compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                            const MetricConfig& config);
// The same of parts of two scenes, in the frames of the whole.
SceneMetrics compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                            const ComparisonFrames& frames, const MetricConfig& config);

}  // namespace moca::evaluation
