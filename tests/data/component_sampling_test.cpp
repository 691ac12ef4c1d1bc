#include "src/data/component_sampling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "moca/mesh/signed_distance.h"
#include "tests/mesh/shapes.h"

namespace moca::data {
namespace {

// Two components of one shape.
AssetTensors two_cubes() {
  const auto cube = testing::cube(0.5F);
  SourceAsset asset;
  asset.scene = {{{"a", cube, mesh::Vec3::Ones()}, {"b", cube, mesh::Vec3::Ones()}}};
  for (int i = 0; i < 2; ++i) {
    asset.closed.push_back(cube);
    asset.distances.emplace_back(
        [cube](std::span<const mesh::Vec3> points) { return mesh::signed_distance(cube, points); });
  }
  DataConfig config;
  config.num_surface_points = 64;
  config.num_query_points = 4000;
  config.views.image_size = 8;
  return sample_asset({"cubes"}, asset, config);
}

TEST(ComponentSampling, DrawsOtherPointsForEveryComponent) {
  const auto tensors = two_cubes();
  EXPECT_FALSE(at::equal(tensors.surface_points[0], tensors.surface_points[1]));
  EXPECT_FALSE(at::equal(tensors.query_points[0], tensors.query_points[1]));
}

// A step of standard deviation s in a random direction leads s away from a plane on average of
// squares.
TEST(ComponentSampling, PutsNearPointsAtBothDeviationsFromTheSurface) {
  const auto near = two_cubes().query_distances[0].narrow(0, 0, 2000).view({1000, 2});
  const auto away = near.square().mean(0).sqrt();
  EXPECT_NEAR(away[0].item<double>(), 0.015, 0.002);
  EXPECT_NEAR(away[1].item<double>(), 0.06, 0.006);
}

TEST(ComponentSampling, StoresDistancesThatArePositiveInside) {
  const auto tensors = two_cubes();
  const auto inside = tensors.query_points[0].abs().amax(-1) < 0.5;
  EXPECT_TRUE(at::equal(tensors.query_distances[0] > 0, inside));
}

}  // namespace
}  // namespace moca::data
