#include "moca/evaluation/geometry_metrics.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>

#include "moca/core/error.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/surface_sampling.h"
#include "moca/mesh/voxel_grid.h"

namespace moca::evaluation {

using mesh::Vec3;

namespace {

// A prediction beyond is hardly in its reference's frame.
constexpr double kMostRatio = 1.5;      // of the longest sides
constexpr double kMostDistance = 0.25;  // of the centres, in the reference's longest sides

double share_below(const std::vector<double>& distances, double threshold) {
  const auto count =
      std::count_if(distances.begin(), distances.end(), [&](double d) { return d < threshold; });
  return static_cast<double>(count) / static_cast<double>(distances.size());
}

double f_score(double precision, double recall) {
  const double sum = precision + recall;
  return sum > 0 ? 2 * precision * recall / sum : 0.0;
}

bool has_faces(const mesh::Scene& scene) {
  return std::any_of(scene.components.begin(), scene.components.end(),
                     [](const mesh::Component& component) { return !component.mesh.empty(); });
}

double longest_side(const mesh::Scene& scene) {
  const mesh::Box box = mesh::bounds(scene);
  return (box.high.cast<double>() - box.low.cast<double>()).maxCoeff();
}

Eigen::Vector3d center_of(const mesh::Scene& scene) {
  const mesh::Box box = mesh::bounds(scene);
  return (box.low.cast<double>() + box.high.cast<double>()) / 2;
}

// 2 / resolution, but coarser for a scene that would have more than twice `resolution` voxels
// along its longest side: the memory of the voxels has a bound, whatever the scene's size.
double voxel_pitch(const mesh::Scene& scene, int64_t resolution) {
  return std::max(2.0, longest_side(scene) / 2) / static_cast<double>(resolution);
}

// Voxels have numbers: a scene too far out for them is moved by whole voxels.
mesh::Scene near_zero(mesh::Scene scene, double pitch) {
  constexpr double kFar = 1 << 20;  // voxels
  const Eigen::Vector3d center = center_of(scene) / pitch;
  if (center.cwiseAbs().maxCoeff() > kFar) {
    mesh::move_origin(scene.origin + center.array().round().matrix() * pitch, scene);
  }
  return scene;
}

// Beyond, the squares of distances would leave the range of floats.
void check_reach(const mesh::Scene& prediction) {
  constexpr double kFarthest = 1e9;
  const mesh::Box box = mesh::bounds(prediction);
  const double reach = std::max(-box.low.minCoeff(), box.high.maxCoeff());
  if (!(reach <= kFarthest)) {
    std::ostringstream message;
    message << "metrics: where the reference's longest side is 2, the prediction reaches to "
            << reach << ", at most " << kFarthest
            << " can be compared; renormalise_prediction=true centres and scales each by itself.";
    throw Error(message.str());
  }
}

void check_has_faces(const mesh::Scene& reference) {
  if (!has_faces(reference)) {
    throw Error("metrics: the reference scene has no faces; leave it out of the evaluation.");
  }
}

}  // namespace

PointMetrics compare_points(const std::vector<Vec3>& prediction, const std::vector<Vec3>& reference,
                            const MetricConfig& config) {
  const std::vector<double> to_reference = NearestPoints(reference).distances(prediction);
  const std::vector<double> to_prediction = NearestPoints(prediction).distances(reference);
  PointMetrics metrics;
  metrics.chamfer = chamfer_distance(to_reference, to_prediction, config.chamfer);
  for (const double threshold : config.thresholds) {
    metrics.f_scores.push_back(
        f_score(share_below(to_reference, threshold), share_below(to_prediction, threshold)));
  }
  return metrics;
}

SelfIou self_iou(const mesh::Scene& scene, int64_t resolution) {
  const double pitch = voxel_pitch(scene, resolution);
  std::vector<std::vector<std::array<int32_t, 3>>> voxels;
  SelfIou result;
  const mesh::Scene placed = near_zero(scene, pitch);
  for (const mesh::Component& component : placed.components) {
    voxels.push_back(mesh::filled_voxels(component.mesh, pitch));
    result.voxel_counts.push_back(static_cast<int64_t>(voxels.back().size()));
  }
  for (size_t i = 0; i < voxels.size(); ++i) {
    for (size_t j = i + 1; j < voxels.size(); ++j) {
      result.pairs.push_back(mesh::voxel_iou(voxels[i], voxels[j]));
    }
  }
  if (!result.pairs.empty()) {
    result.mean = std::accumulate(result.pairs.begin(), result.pairs.end(), 0.0) /
                  static_cast<double>(result.pairs.size());
    result.max = *std::max_element(result.pairs.begin(), result.pairs.end());
  }
  return result;
}

ComparisonFrames comparison_frames(const mesh::Scene& prediction, const mesh::Scene& reference,
                                   const MetricConfig& config) {
  check_has_faces(reference);
  const mesh::Frame frame = mesh::normal_frame(reference);
  const bool by_itself = config.renormalise_prediction && has_faces(prediction);
  return {by_itself ? mesh::normal_frame(prediction) : frame, frame};
}

std::string box_text(const mesh::Scene& scene) {
  const Eigen::Vector3d center = scene.origin + center_of(scene);
  std::ostringstream stream;
  stream << "longest side " << longest_side(scene) << ", centre ("
         << center.transpose().format({Eigen::StreamPrecision, Eigen::DontAlignCols, ", "}) << ")";
  return stream.str();
}

std::string frame_doubt(const mesh::Scene& prediction, const mesh::Scene& reference,
                        const MetricConfig& config) {
  if (!has_faces(prediction) || config.renormalise_prediction) {
    return "";
  }
  const double side = longest_side(reference), ratio = longest_side(prediction) / side;
  const double distance =
      (prediction.origin + center_of(prediction) - reference.origin - center_of(reference)).norm();
  std::ostringstream difference;
  if (ratio > kMostRatio || ratio < 1 / kMostRatio) {
    difference << " is " << ratio << " times as large as the reference";
  }
  if (distance > kMostDistance * side) {
    difference << (difference.tellp() > 0 ? " and" : "") << " lies " << distance / side
               << " of the reference's longest side off its centre";
  }
  return difference.tellp() == 0
             ? ""
             : "the prediction" + difference.str() +
                   ": if the two files are not in one frame, the scores mean nothing. "
                   "renormalise_prediction=true centres and scales each by itself.";
}

std::string frame_name(const MetricConfig& config) {
  return config.renormalise_prediction
             ? "reference and prediction each centred, longest side 2"
             : "reference centred, longest side 2; prediction moved with it";
}

SceneMetrics compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                            const MetricConfig& config) {
  return compare_scenes(prediction, reference, comparison_frames(prediction, reference, config),
                        config);
}

SceneMetrics compare_scenes(const mesh::Scene& prediction, const mesh::Scene& reference,
                            const ComparisonFrames& frames, const MetricConfig& config) {
  check_has_faces(reference);
  mesh::Scene moved_prediction = prediction;
  mesh::Scene moved_reference = reference;
  mesh::move_to(frames.prediction, moved_prediction);
  mesh::move_to(frames.reference, moved_reference);
  check_reach(moved_prediction);
  const auto seed = static_cast<uint64_t>(config.seed);
  std::vector<Vec3> points = {Vec3::Zero()};
  if (has_faces(moved_prediction)) {
    points = mesh::sample_surface(moved_prediction, config.num_points, seed + 1).positions;
  }
  const std::vector<Vec3> reference_points =
      mesh::sample_surface(moved_reference, config.num_points, seed).positions;
  points = align_points(points, reference_points, config.alignment, config.chamfer);
  const SelfIou iou = self_iou(moved_prediction, config.iou_resolution);
  return {compare_points(points, reference_points, config), iou.mean, iou.max};
}

}  // namespace moca::evaluation
