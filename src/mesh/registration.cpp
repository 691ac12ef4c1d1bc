#include "moca/mesh/registration.h"

#ifdef MOCA_OPEN3D
#include <open3d/geometry/PointCloud.h>
#include <open3d/pipelines/registration/Registration.h>
#endif

#include "moca/core/error.h"
#include "moca/core/mapped.h"

namespace moca::mesh {

#ifdef MOCA_OPEN3D

namespace {

open3d::geometry::PointCloud to_open3d(const std::vector<Vec3>& points) {
  return mapped(points, [](const Vec3& point) -> Eigen::Vector3d { return point.cast<double>(); });
}

}  // namespace

Eigen::Matrix4d register_points(const std::vector<Vec3>& source, const std::vector<Vec3>& target) {
  namespace registration = open3d::pipelines::registration;
  if (source.empty() || target.empty()) {
    throw Error("registration: ", source.size(), " source and ", target.size(),
                " target points; both sets need at least one.");
  }
  constexpr double kMaxDistance = 0.5;
  constexpr int kMaxIterations = 50;
  constexpr double kRelativeChange = 1e-6;  // Open3D's default for fitness and for RMSE
  return registration::RegistrationICP(
             to_open3d(source), to_open3d(target), kMaxDistance, Eigen::Matrix4d::Identity(),
             registration::TransformationEstimationPointToPoint(/*with_scaling=*/false),
             registration::ICPConvergenceCriteria(kRelativeChange, kRelativeChange, kMaxIterations))
      .transformation_;
}

#else

Eigen::Matrix4d register_points(const std::vector<Vec3>&, const std::vector<Vec3>&) {
  throw Error(
      "registration: this build has no Open3D, which alignment icp needs; install libopen3d-dev "
      "and configure again, or set another alignment.");
}

#endif

}  // namespace moca::mesh
