#include "../self_iou.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>

#include "moca/evaluation/metric.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/voxel_grid.h"

namespace moca::evaluation {
namespace {

// 2 / resolution, but coarser for a scene that would have more than twice `resolution` voxels
// along its longest side: the memory of the voxels has a bound, whatever the scene's size.
double voxel_pitch(const Eigen::Vector3d& sides, int64_t resolution) {
  return std::max(2.0, sides.maxCoeff() / 2) / static_cast<double>(resolution);
}

// Voxels have numbers: a scene too far out for them is moved by whole voxels.
mesh::Scene near_zero(mesh::Scene scene, const Eigen::Vector3d& center, double pitch) {
  constexpr double kFar = 1 << 20;  // voxels
  if ((center / pitch).cwiseAbs().maxCoeff() > kFar) {
    mesh::move_origin(scene.origin + (center / pitch).array().round().matrix() * pitch, scene);
  }
  return scene;
}

}  // namespace

SelfIou self_iou(const mesh::Scene& scene, int64_t resolution) {
  const mesh::Box box = mesh::bounds(scene);
  const Eigen::Vector3d low = box.low.cast<double>(), high = box.high.cast<double>();
  const double pitch = voxel_pitch(high - low, resolution);
  std::vector<std::vector<std::array<int32_t, 3>>> voxels;
  SelfIou result;
  const mesh::Scene placed = near_zero(scene, (low + high) / 2, pitch);
  for (const mesh::Component& component : placed.components) {
    voxels.push_back(mesh::filled_voxels(component.mesh, pitch));
    result.voxel_counts.push_back(std::ssize(voxels.back()));
  }
  for (size_t i = 0; i < voxels.size(); ++i) {
    for (size_t j = i + 1; j < voxels.size(); ++j) {
      result.pairs.push_back(mesh::voxel_iou(voxels[i], voxels[j]));
    }
  }
  if (!result.pairs.empty()) {
    result.mean = mean_of(result.pairs);
    result.max = *std::ranges::max_element(result.pairs);
  }
  return result;
}

Scores self_iou_scores(const Comparison& comparison) {
  const int64_t resolution = comparison.config.iou_resolution;
  const SelfIou iou = self_iou(comparison.prediction, resolution);
  const std::string note = iou.pairs.empty()
                               ? "one component overlaps with no other"
                               : "mean over pairs of " + std::to_string(iou.voxel_counts.size()) +
                                     " components, " + std::to_string(resolution) + "^3 voxels";
  return {{"self_iou", "self-IoU", Better::kLower, iou.mean, note, !iou.pairs.empty()},
          {"self_iou_max", "", Better::kLower, iou.max, ""}};
}

}  // namespace moca::evaluation
