#include "src/evaluation/point_distances.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <limits>

#include "moca/core/error.h"
#include "test_shapes.h"

namespace moca::evaluation {
namespace {

using mesh::Vec3;
using moca::testing::random_points;

TEST(NearestPoints, AgreesWithComparingEveryPair) {
  const std::vector<Vec3> points = random_points(500, 1);
  const std::vector<Vec3> queries = random_points(300, 2);
  const std::vector<double> found = NearestPoints(points).distances(queries);
  ASSERT_EQ(found.size(), queries.size());
  for (size_t i = 0; i < queries.size(); ++i) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const Vec3& point : points) {
      nearest = std::min(nearest, (point.cast<double>() - queries[i].cast<double>()).norm());
    }
    EXPECT_NEAR(found[i], nearest, 1e-7);
  }
}

TEST(NearestPoints, GivesTheSameBitsForAnyNumberOfThreads) {
  const NearestPoints near(random_points(5000, 3));
  const std::vector<Vec3> queries = random_points(5000, 4);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<double> serial = near.distances(queries);
  omp_set_num_threads(3);
  EXPECT_EQ(near.distances(queries), serial);
  omp_set_num_threads(before);
}

TEST(NearestPoints, AcceptsASinglePointAndRepeatedOnes) {
  EXPECT_DOUBLE_EQ(NearestPoints({Vec3(1, 2, 2)}).distances({Vec3::Zero()})[0], 3.0);
  const NearestPoints repeated(std::vector<Vec3>(100, Vec3(0, 0, 2)));
  EXPECT_DOUBLE_EQ(repeated.distances({Vec3::Zero()})[0], 2.0);
}

TEST(NearestPoints, RefusesEmptyAndBrokenSets) {
  const Vec3 broken(0, std::numeric_limits<float>::quiet_NaN(), 0);
  EXPECT_THROW(NearestPoints({}), Error);
  EXPECT_THROW(NearestPoints({broken}), Error);
  EXPECT_THROW(NearestPoints({Vec3::Zero()}).distances({}), Error);
  EXPECT_THROW(NearestPoints({Vec3::Zero()}).distances({broken}), Error);
}

TEST(ChamferDistance, PutsTheDirectionsTogetherInThreeForms) {
  const std::vector<double> forth = {1, 3};       // mean 2, mean square 5
  const std::vector<double> back = {0, 0, 3, 0};  // mean 0.75, mean square 2.25
  EXPECT_DOUBLE_EQ(chamfer_distance(forth, back, ChamferForm::kSumL2), 2.75);
  EXPECT_DOUBLE_EQ(chamfer_distance(forth, back, ChamferForm::kMeanL2), 1.375);
  EXPECT_DOUBLE_EQ(chamfer_distance(forth, back, ChamferForm::kSumSquared), 7.25);
}

}  // namespace
}  // namespace moca::evaluation
