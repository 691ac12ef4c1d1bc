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
  const double pitch = 2.0 / static_cast<double>(resolution);
  std::vector<std::vector<std::array<int32_t, 3>>> voxels;
  SelfIou result;
  for (const mesh::Component& component : scene.components) {
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

std::string frame_doubt(const mesh::Scene& prediction, const mesh::Scene& reference,
                        const ComparisonFrames& frames) {
  if (!has_faces(prediction)) {
    return "";
  }
  const auto moved = [](mesh::Scene scene, const mesh::Frame& frame) {
    mesh::move_to(frame, scene);
    return mesh::bounds(scene);
  };
  const auto found = moved(prediction, frames.prediction);
  const auto expected = moved(reference, frames.reference);
  const float ratio =
      (found.high - found.low).maxCoeff() / (expected.high - expected.low).maxCoeff();
  const bool beside = ((found.low - expected.high).array() > 0).any() ||
                      ((expected.low - found.high).array() > 0).any();
  if (ratio > 0.5F && ratio < 2.0F && !beside) {
    return "";
  }
  const auto text = [](const mesh::Scene& scene) {
    const auto box = mesh::bounds(scene);
    std::ostringstream stream;
    const Eigen::IOFormat on_a_line(3, Eigen::DontAlignCols, ", ", ", ", "", "", "(", ")");
    stream << box.low.transpose().format(on_a_line) << " to "
           << box.high.transpose().format(on_a_line);
    return stream.str();
  };
  return "the prediction reaches from " + text(prediction) + ", the reference from " +
         text(reference) +
         ": if they are not given in one frame, the scores mean nothing. "
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
