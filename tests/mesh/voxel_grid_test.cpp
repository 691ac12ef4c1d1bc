#include "moca/mesh/voxel_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "moca/core/error.h"
#include "tests/mesh/shapes.h"
#include "tests/support/shared_folder.h"

namespace moca::mesh {
namespace {

using Voxels = std::vector<std::array<int32_t, 3>>;

using testing::box;
using testing::sphere;

TEST(VoxelGrid, FillsABoxOnTheLatticeWithOneLayerMoreThanItsSize) {
  const Voxels voxels = filled_voxels(box({0, 0, 0}, {1, 0.5, 0.25}), 0.125);
  EXPECT_EQ(voxels.size(), 9 * 5 * 3);
  EXPECT_EQ(voxels.front(), (std::array<int32_t, 3>{0, 0, 0}));
  EXPECT_EQ(voxels.back(), (std::array<int32_t, 3>{8, 4, 2}));
  EXPECT_TRUE(std::is_sorted(voxels.begin(), voxels.end()));
  EXPECT_EQ(std::adjacent_find(voxels.begin(), voxels.end()), voxels.end());
}

TEST(VoxelGrid, RoundsHalfToEven) {
  TriangleMesh point = box({0.5, 1.5, 2.5}, {0.5, 1.5, 2.5});
  EXPECT_EQ(filled_voxels(point, 1.0), (Voxels{{0, 2, 2}}));
}

TEST(VoxelGrid, LeavesAnOpenBoxHollow) {
  TriangleMesh open = box({0, 0, 0}, {1, 1, 1});
  open.faces.resize(10);  // without the side at high x
  EXPECT_EQ(filled_voxels(open, 0.125).size(), 9 * 9 * 9 - 8 * 7 * 7);
}

TEST(VoxelGrid, MovesByWholeVoxels) {
  const double pitch = 0.0625;
  const Voxels before = filled_voxels(sphere(0.4F, 16), pitch);
  Voxels after = filled_voxels(sphere(0.4F, 16, Vec3(0.5F, -0.125F, 2)), pitch);
  for (auto& [x, y, z] : after) {
    x -= 8;
    y += 2;
    z -= 32;
  }
  EXPECT_EQ(before, after);
}

TEST(VoxelGrid, HoldsTheVolumeAndHalfAVoxelRoundIt) {
  const double pitch = 2.0 / 64;
  const double filled = static_cast<double>(filled_voxels(sphere(0.7F, 48), pitch).size());
  // A voxel is marked when the surface comes within half a voxel of its middle along all axes.
  const auto volume = [&](double radius) {
    return 4.0 / 3.0 * std::numbers::pi * std::pow(radius / pitch, 3);
  };
  EXPECT_GT(filled, volume(0.7));
  EXPECT_LT(filled, volume(0.7 + std::sqrt(3.0) / 2 * pitch));
}

TEST(VoxelGrid, GivesNothingForAMeshWithoutFaces) {
  TriangleMesh points;
  points.vertices = {{0, 0, 0}, {1, 1, 1}};
  EXPECT_TRUE(filled_voxels(points, 0.1).empty());
}

TEST(VoxelGrid, RefusesAMeshFarLargerThanTheVoxels) {
  EXPECT_THROW(filled_voxels(box({0, 0, 0}, {1e6F, 1e6F, 1e6F}), 0.03), Error);
  EXPECT_THROW(filled_voxels(box({0, 0, 0}, {std::nanf(""), 1, 1}), 0.03), Error);
}

TEST(VoxelIou, IsSharedOverEither) {
  const Voxels a = {{0, 0, 0}, {0, 0, 1}, {1, 0, 0}};
  const Voxels b = {{0, 0, 1}, {1, 0, 0}, {2, 0, 0}};
  EXPECT_DOUBLE_EQ(voxel_iou(a, b), 0.5);
  EXPECT_DOUBLE_EQ(voxel_iou(a, a), 1.0);
  EXPECT_DOUBLE_EQ(voxel_iou(a, {}), 0.0);
  EXPECT_DOUBLE_EQ(voxel_iou({}, {}), 0.0);
}

TEST(VoxelIou, OfNestedBoxesIsTheRatioOfTheirCountsEitherWayRound) {
  const Voxels inner = filled_voxels(box({0, 0, 0}, {0.5, 0.5, 0.5}), 0.125);
  const Voxels outer = filled_voxels(box({-0.25, 0, -0.5}, {0.5, 1, 0.75}), 0.125);
  const double expected = (5.0 * 5 * 5) / (7.0 * 9 * 11);
  EXPECT_DOUBLE_EQ(voxel_iou(inner, outer), expected);
  EXPECT_DOUBLE_EQ(voxel_iou(outer, inner), expected);
}

class VoxelFixture : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(From, VoxelFixture, testing::both_origins(), testing::name_of_origin);

TEST_P(VoxelFixture, CountsAsTrimeshDoes) {
  const auto path = testing::fixture_folder(GetParam()) / "metrics.json";
  if (testing::may_skip(path, GetParam())) {
    GTEST_SKIP() << "no fixture at " << path;
  }
  std::ifstream file(path);
  const auto corner = [](const nlohmann::json& j) {
    return Vec3(j[0].get<float>(), j[1].get<float>(), j[2].get<float>());
  };
  const auto fixtures = nlohmann::json::parse(file);
  for (const auto& pair : fixtures.at("voxel_boxes")) {
    SCOPED_TRACE(pair.at("name").get<std::string>());
    const double pitch = 2.0 / 64;
    const Voxels a = filled_voxels(box(corner(pair.at("a")[0]), corner(pair.at("a")[1])), pitch);
    const Voxels b = filled_voxels(box(corner(pair.at("b")[0]), corner(pair.at("b")[1])), pitch);
    EXPECT_EQ(a.size(), pair.at("voxels")[0].get<size_t>());
    EXPECT_EQ(b.size(), pair.at("voxels")[1].get<size_t>());
    EXPECT_NEAR(voxel_iou(a, b), pair.at("iou_partcrafter").get<double>(), 1e-12);
  }
}

}  // namespace
}  // namespace moca::mesh
