#include "moca/mesh/registration.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>

#include "moca/core/error.h"
#include "tests/mesh/brute_force.h"

namespace moca::mesh {
namespace {

using testing::random_points;

// Open3D is optional; what the function says without it is tested as well.
bool has_open3d() {
  try {
    register_points({Vec3::Zero()}, {Vec3::Zero()});
    return true;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no Open3D"), std::string::npos) << error.what();
    return false;
  }
}

TEST(Registration, FindsASmallRigidMotion) {
  if (!has_open3d()) {
    GTEST_SKIP() << "this build has no Open3D";
  }
  Eigen::Isometry3d motion = Eigen::Isometry3d::Identity();
  motion.rotate(Eigen::AngleAxisd(0.05, Eigen::Vector3d(1, 2, 3).normalized()));
  motion.pretranslate(Eigen::Vector3d(0.02, -0.01, 0.03));
  const std::vector<Vec3> source = random_points(2000, 1, 1);
  std::vector<Vec3> target = source;
  for (Vec3& point : target) {
    point = (motion * point.cast<double>()).cast<float>();
  }
  const Eigen::Matrix4d found = register_points(source, target);
  EXPECT_LT((found - motion.matrix()).cwiseAbs().maxCoeff(), 1e-5) << found;
}

TEST(Registration, StaysWithoutScale) {
  if (!has_open3d()) {
    GTEST_SKIP() << "this build has no Open3D";
  }
  const std::vector<Vec3> source = random_points(2000, 1, 2);
  std::vector<Vec3> target = source;
  for (Vec3& point : target) {
    point *= 1.2F;
  }
  const Eigen::Matrix3d rotation = register_points(source, target).topLeftCorner<3, 3>();
  EXPECT_NEAR(rotation.determinant(), 1.0, 1e-9);
}

TEST(Registration, RefusesAnEmptySet) {
  EXPECT_THROW(register_points({}, random_points(3, 1, 3)), Error);
}

}  // namespace
}  // namespace moca::mesh
