#include "moca/evaluation/comparison.h"

#include <Eigen/Core>
#include <algorithm>
#include <sstream>

#include "alignment.h"
#include "moca/core/error.h"
#include "moca/core/text.h"
#include "moca/mesh/surface_sampling.h"
#include "point_distances.h"

namespace moca::evaluation {
namespace {

using mesh::Vec3;

// A prediction beyond is hardly in its reference's frame.
constexpr double kMostRatio = 1.5;      // of the longest sides
constexpr double kMostDistance = 0.25;  // of the centres, in the reference's longest sides

double longest_side(const mesh::Scene& scene) {
  const mesh::Box box = mesh::bounds(scene);
  return (box.high.cast<double>() - box.low.cast<double>()).maxCoeff();
}

// In the file's frame.
Eigen::Vector3d center_of(const mesh::Scene& scene) {
  const mesh::Box box = mesh::bounds(scene);
  return scene.origin + (box.low.cast<double>() + box.high.cast<double>()) / 2;
}

// Beyond, the squares of distances would leave the range of floats.
void check_reach(const mesh::Scene& prediction) {
  constexpr double kFarthest = 1e9;
  const mesh::Box box = mesh::bounds(prediction);
  const double reach = std::max(-box.low.minCoeff(), box.high.maxCoeff());
  if (!(reach <= kFarthest)) {
    throw Error(formatted(
        "metrics: where the reference's longest side is 2, the prediction reaches to %g, at most "
        "%g can be compared; renormalise_prediction=true centres and scales each by itself.",
        reach, kFarthest));
  }
}

mesh::Scene moved(const mesh::Frame& frame, mesh::Scene scene) {
  mesh::move_to(frame, scene);
  return scene;
}

}  // namespace

ComparisonFrames comparison_frames(const mesh::Scene& prediction, const mesh::Scene& reference,
                                   const MetricConfig& config) {
  if (!mesh::has_faces(reference)) {
    throw Error("metrics: the reference scene has no faces; leave it out of the evaluation.");
  }
  const mesh::Frame frame = mesh::normal_frame(reference);
  const bool by_itself = config.renormalise_prediction && mesh::has_faces(prediction);
  return {by_itself ? mesh::normal_frame(prediction) : frame, frame};
}

std::string frame_name(const MetricConfig& config) {
  return config.renormalise_prediction
             ? "reference and prediction each centred, longest side 2"
             : "reference centred, longest side 2; prediction moved with it";
}

std::string scene_text(const mesh::Scene& scene) {
  const auto& components = scene.components;
  std::ostringstream stream;
  stream << "longest side " << longest_side(scene) << ", centre ("
         << center_of(scene).transpose().format(
                {Eigen::StreamPrecision, Eigen::DontAlignCols, ", "})
         << "), components " << components.size() << ", without surface "
         << std::ranges::count_if(components, &mesh::TriangleMesh::empty, &mesh::Component::mesh);
  return stream.str();
}

std::string frame_doubt(const mesh::Scene& prediction, const mesh::Scene& reference,
                        const MetricConfig& config) {
  if (!mesh::has_faces(prediction) || config.renormalise_prediction) {
    return "";
  }
  const double side = longest_side(reference);
  const double ratio = longest_side(prediction) / side;
  const double distance = (center_of(prediction) - center_of(reference)).norm();
  std::vector<std::string> found;
  if (ratio > kMostRatio || ratio < 1 / kMostRatio) {
    found.push_back(formatted(" is %g times as large as the reference", ratio));
  }
  if (distance > kMostDistance * side) {
    found.push_back(
        formatted(" lies %g of the reference's longest side off its centre", distance / side));
  }
  return found.empty() ? ""
                       : "the prediction" + joined(found, " and") +
                             ": if the two files are not in one frame, the scores mean nothing. "
                             "renormalise_prediction=true centres and scales each by itself.";
}

Comparison comparison_of(const mesh::Scene& prediction, const mesh::Scene& reference,
                         const ComparisonFrames& frames, const MetricConfig& config,
                         c10::Device device) {
  const mesh::Scene moved_prediction = moved(frames.prediction, prediction);
  const mesh::Scene moved_reference = moved(frames.reference, reference);
  check_reach(moved_prediction);
  const auto seed = static_cast<uint64_t>(config.seed);
  std::vector<Vec3> points = {Vec3::Zero()};
  if (mesh::has_faces(moved_prediction)) {
    points = mesh::sample_surface(moved_prediction, config.num_points, seed + 1).positions;
  }
  const std::vector<Vec3> reference_points =
      mesh::sample_surface(moved_reference, config.num_points, seed).positions;
  Comparison comparison = comparison_of(
      align_points(points, reference_points, config.alignment, config.chamfer, device),
      reference_points, config, device);
  comparison.prediction = moved_prediction;
  comparison.reference = moved_reference;
  return comparison;
}

Comparison comparison_of(const std::vector<Vec3>& prediction, const std::vector<Vec3>& reference,
                         const MetricConfig& config, c10::Device device) {
  return {config,
          {},
          {},
          prediction,
          reference,
          NearestPoints(reference, device).distances(prediction),
          NearestPoints(prediction, device).distances(reference)};
}

}  // namespace moca::evaluation
