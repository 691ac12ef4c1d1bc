#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moca/config/rules.h"

namespace moca::evaluation {

// How the two directions of the Chamfer distance are put together: the sum or the mean of the two
// mean distances, or the sum of the two mean squared distances.
enum class ChamferForm { kSumL2, kMeanL2, kSumSquared };

constexpr config::EnumNames<ChamferForm, 3> enum_names(ChamferForm) {
  return {{{"sum_l2", ChamferForm::kSumL2},
           {"mean_l2", ChamferForm::kMeanL2},
           {"sum_squared", ChamferForm::kSumSquared}}};
}

// How a prediction is moved before it is compared: not at all, by the best of 4 quarter turns about
// the Y axis, by the best of the 24 rotations that map the axes onto each other, or by iterative
// closest points from where it is (needs Open3D).
enum class Alignment { kNone, kYaw4, kRotations24, kIcp };

constexpr config::EnumNames<Alignment, 4> enum_names(Alignment) {
  return {{{"none", Alignment::kNone},
           {"yaw4", Alignment::kYaw4},
           {"rot24", Alignment::kRotations24},
           {"icp", Alignment::kIcp}}};
}

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

  void validate(const std::string& path) const;
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

}  // namespace moca::evaluation
