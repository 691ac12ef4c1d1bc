#include "src/evaluation/self_iou.h"

#include <gtest/gtest.h>

#include "moca/evaluation/metric.h"
#include "test_shapes.h"
#include "tests/support/scores.h"

namespace moca::evaluation {
namespace {

using mesh::Scene;
using mesh::Vec3;
using moca::testing::box_mesh;
using moca::testing::few_points;
using moca::testing::moved;
using moca::testing::scene_of;

Scene overlapping_boxes() {
  return scene_of(
      {box_mesh({-1, -0.5, -0.5}, {0.5, 0.5, 0.5}), box_mesh({0, -0.5, -0.5}, {1, 0.5, 0.5})});
}

TEST(SelfIou, IsOneForEqualAndZeroForDistantComponents) {
  const auto box = box_mesh({-0.5, -0.5, -0.5}, {0, 0, 0});
  const auto far = box_mesh({0.5, 0.5, 0.5}, {0.75, 0.75, 0.75});
  const SelfIou iou = self_iou(scene_of({box, far, box}), 64);
  EXPECT_EQ(iou.pairs, (std::vector<double>{0.0, 1.0, 0.0}));
  EXPECT_DOUBLE_EQ(iou.mean, 1.0 / 3);
  EXPECT_DOUBLE_EQ(iou.max, 1.0);
  // 16 voxels a side and one more: 17^3, 9^3.
  EXPECT_EQ(iou.voxel_counts, (std::vector<int64_t>{4913, 729, 4913}));
}

TEST(SelfIou, IsZeroForOneComponentAndForOnesWithoutFaces) {
  EXPECT_EQ(self_iou(scene_of({box_mesh({0, 0, 0}, {1, 1, 1})}), 64).mean, 0.0);
  const SelfIou iou = self_iou(scene_of({{}, {}}), 64);
  EXPECT_EQ(iou.mean, 0.0);
  EXPECT_EQ(iou.voxel_counts, (std::vector<int64_t>{0, 0}));
}

// Whatever a prediction's size, its voxels are few: those of 1/128 of its longest side at most.
TEST(SelfIou, HasABoundOnItsVoxelsThatTheSceneSizeCannotMove) {
  const SelfIou twice = self_iou(moved(overlapping_boxes(), 2, Vec3::Zero()), 64);
  for (const float size : {4.0F, 128.0F, 1e20F}) {
    const SelfIou iou = self_iou(moved(overlapping_boxes(), size, Vec3::Zero()), 64);
    EXPECT_EQ(iou.voxel_counts, twice.voxel_counts) << size;
    EXPECT_EQ(iou.mean, twice.mean) << size;
  }
}

TEST(SelfIou, IsTheSameHoweverFarOutTheSceneIs) {
  const Scene overlapping = moved(overlapping_boxes(), 64, Vec3::Zero());  // floats hold it
  const SelfIou near = self_iou(overlapping, 64);
  EXPECT_EQ(self_iou(moved(overlapping, 1, {float{1 << 28}, 0, 0}), 64).pairs, near.pairs);
}

TEST(SelfIouMetric, TakesItsVoxelsInTheFrameOfTheComparison) {
  // 64 voxels along 2: the two boxes of half the size fill as many as the whole ones.
  const Scene half = moved(overlapping_boxes(), 0.5F, {3, 0, 0});
  const Scene reference = moved(moca::testing::two_boxes(), 0.5F, {3, 0, 0});
  const auto scores = compare_scenes(half, reference, few_points());
  const SelfIou expected = self_iou(overlapping_boxes(), 64);
  EXPECT_GT(expected.mean, 0.0);
  EXPECT_EQ(value_of(scores, "self_iou"), expected.mean);
  EXPECT_EQ(value_of(scores, "self_iou_max"), expected.max);
}

TEST(SelfIouMetric, ShowsItsMeanAloneAndSaysOfWhat) {
  const auto note = [](const Scene& scene) {
    const auto shown = labelled(compare_scenes(scene, scene, few_points())).back();
    EXPECT_EQ(shown.label, "self-IoU");
    EXPECT_EQ(shown.exists, scene.components.size() > 1);
    return shown.note;
  };
  EXPECT_EQ(note(moca::testing::two_boxes()), "mean over pairs of 2 components, 64^3 voxels");
  EXPECT_EQ(note(scene_of({box_mesh({0, 0, 0}, {1, 1, 1})})),
            "one component overlaps with no other");
}

}  // namespace
}  // namespace moca::evaluation
