#include "point_distances.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <nanoflann.hpp>
#include <numeric>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/evaluation/score.h"
#include "moca/ops/nearest_points.h"
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

// [P, 3], the memory of `points`.
at::Tensor tensor_of(const std::vector<Vec3>& points) {
  return at::from_blob(const_cast<float*>(points.data()->data()), {std::ssize(points), 3},
                       at::kFloat);
}

double mean_square(const std::vector<double>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0) /
         static_cast<double>(values.size());
}

}  // namespace

struct NearestPoints::Tree {
  // What nanoflann asks of a set of points.
  struct Cloud {
    const std::vector<Vec3>& points;

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

  explicit Tree(const std::vector<Vec3>& points) : cloud{points}, index(3, cloud, {kLeafSize}) {}

  std::vector<uint32_t> nearest(const std::vector<Vec3>& queries) const {
    const std::vector<uint32_t> order = spatial_order(queries);  // nearby searches share the cache
    std::vector<uint32_t> found(queries.size());
    const auto count = std::ssize(queries);
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < count; ++n) {
      const uint32_t i = order[n];
      float squared_distance = 0;
      index.knnSearch(queries[i].data(), 1, &found[i], &squared_distance);
    }
    return found;
  }

  Cloud cloud;
  KdTree index;
};

NearestPoints::NearestPoints(const std::vector<Vec3>& points, c10::Device device) {
  check_points(points);
  if (device.is_cpu()) {
    points_ = in_spatial_order(points);
    tree_ = std::make_unique<Tree>(points_);
  } else {
    points_ = points;
    on_gpu_ = tensor_of(points_).to(device);
  }
}

NearestPoints::~NearestPoints() = default;

std::vector<double> NearestPoints::distances(const std::vector<Vec3>& queries) const {
  check_points(queries);
  std::vector<double> result(queries.size());
  // In double: a search's own distance is rounded to float.
  const auto measure = [&](const auto& nearest) {
    for (size_t i = 0; i < queries.size(); ++i) {
      result[i] = (points_[nearest[i]].template cast<double>() - queries[i].cast<double>()).norm();
    }
  };
  if (tree_) {
    measure(tree_->nearest(queries));
  } else {
    const auto nearest =
        ops::nearest_points(tensor_of(queries).to(on_gpu_.device()), on_gpu_).cpu();
    measure(nearest.const_data_ptr<int64_t>());
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
