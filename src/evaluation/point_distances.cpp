#include "point_distances.h"

#include <algorithm>
#include <nanoflann.hpp>
#include <numeric>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/evaluation/score.h"
#include "spatial_order.h"

namespace moca::evaluation {

using mesh::Vec3;

namespace {

constexpr size_t kLeafSize = 32;  // fastest of 8 to 32 for 204,800 points on a surface

void check_points(const std::vector<Vec3>& points) {
  if (points.empty()) {
    throw Error("metrics: a set of points is empty; both sets need at least one point.");
  }
  const auto broken = std::ranges::find_if(points, [](const Vec3& p) { return !p.allFinite(); });
  if (broken != points.end()) {
    throw Error("metrics: point ", broken - points.begin(),
                " is not finite; check the vertices of the mesh it was drawn from.");
  }
}

std::vector<Vec3> in_spatial_order(const std::vector<Vec3>& points) {
  return mapped(spatial_order(points), [&](uint32_t i) { return points[i]; });
}

double mean_square(const std::vector<double>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0) /
         static_cast<double>(values.size());
}

}  // namespace

struct NearestPoints::Tree {
  // What nanoflann asks of a set of points.
  struct Cloud {
    std::vector<Vec3> points;

    size_t kdtree_get_point_count() const { return points.size(); }
    float kdtree_get_pt(size_t index, size_t axis) const {
      return points[index][static_cast<Eigen::Index>(axis)];
    }
    template <class Box>
    bool kdtree_get_bbox(Box& /*box*/) const {
      return false;
    }
  };

  using KdTree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<float, Cloud>,
                                                     Cloud, 3, uint32_t>;

  explicit Tree(const std::vector<Vec3>& points)
      : cloud{in_spatial_order(points)}, index(3, cloud, {kLeafSize}) {}

  Cloud cloud;
  KdTree index;
};

NearestPoints::NearestPoints(const std::vector<Vec3>& points) {
  check_points(points);
  tree_ = std::make_unique<Tree>(points);
}

NearestPoints::~NearestPoints() = default;

std::vector<double> NearestPoints::distances(const std::vector<Vec3>& queries) const {
  check_points(queries);
  const std::vector<uint32_t> order = spatial_order(queries);  // nearby searches share the cache
  std::vector<double> result(queries.size());
  const auto count = std::ssize(queries);
#pragma omp parallel for schedule(static)
  for (int64_t n = 0; n < count; ++n) {
    const uint32_t i = order[n];
    uint32_t nearest = 0;
    float squared_distance = 0;
    tree_->index.knnSearch(queries[i].data(), 1, &nearest, &squared_distance);
    // Again in double: the search's own distance is rounded to float.
    result[i] = (tree_->cloud.points[nearest].cast<double>() - queries[i].cast<double>()).norm();
  }
  return result;
}

double chamfer_distance(const std::vector<double>& prediction_to_reference,
                        const std::vector<double>& reference_to_prediction, ChamferForm form) {
  if (form == ChamferForm::kSumSquared) {
    return mean_square(prediction_to_reference) + mean_square(reference_to_prediction);
  }
  const double sum = mean_of(prediction_to_reference) + mean_of(reference_to_prediction);
  return form == ChamferForm::kMeanL2 ? sum / 2 : sum;
}

}  // namespace moca::evaluation
