#include "moca/evaluation/geometry_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/mesh/surface_sampling.h"
#include "test_shapes.h"
#include "tests/support/refusal.h"

namespace moca::evaluation {
namespace {

using mesh::Scene;
using mesh::Vec3;
using moca::testing::box_mesh;
using moca::testing::scene_of;
using moca::testing::sphere_points;
using ::testing::HasSubstr;

MetricConfig few_points() {
  MetricConfig config;
  config.num_points = 5000;
  return config;
}

Scene two_boxes(const Vec3& shift = Vec3::Zero()) {
  return scene_of({box_mesh(Vec3(-1, -0.5, -0.5) + shift, Vec3(0, 0.5, 0.5) + shift),
                   box_mesh(Vec3(0.25, -0.5, -0.25) + shift, Vec3(1, 0.25, 0.5) + shift)});
}

TEST(ComparePoints, IsPerfectForEqualSets) {
  const auto points = sphere_points(Vec3::Zero(), 1, 100, 1);
  const PointMetrics metrics = compare_points(points, points, {});
  EXPECT_EQ(metrics.chamfer, 0.0);
  EXPECT_EQ(metrics.f_scores, (std::vector<double>{1.0, 1.0}));
}

TEST(ComparePoints, CountsDistancesStrictlyBelowTheThreshold) {
  MetricConfig config;
  config.thresholds = {0.5, 0.5000001};
  const PointMetrics metrics = compare_points({Vec3(0, 0, 0)}, {Vec3(0.5, 0, 0)}, config);
  EXPECT_EQ(metrics.f_scores, (std::vector<double>{0.0, 1.0}));
}

TEST(ComparePoints, MakesTheFScoreFromPrecisionAndRecall) {
  MetricConfig config;
  config.thresholds = {0.1};
  // Half of the prediction is right, all of the reference is found.
  const PointMetrics metrics =
      compare_points({Vec3(0, 0, 0), Vec3(1, 0, 0)}, {Vec3(0, 0, 0)}, config);
  EXPECT_DOUBLE_EQ(metrics.f_scores[0], 2 * 0.5 * 1.0 / 1.5);
  EXPECT_DOUBLE_EQ(metrics.chamfer, 0.5);
}

TEST(ComparePoints, GivesZeroAndNoNanForFarSets) {
  const PointMetrics metrics = compare_points({Vec3(-5, 0, 0)}, {Vec3(5, 0, 0)}, {});
  EXPECT_EQ(metrics.f_scores, (std::vector<double>{0.0, 0.0}));
  EXPECT_DOUBLE_EQ(metrics.chamfer, 20.0);
}

TEST(ComparePoints, RefusesAnEmptySet) {
  EXPECT_THROW(compare_points({}, {Vec3::Zero()}, {}), Error);
  EXPECT_THROW(compare_points({Vec3::Zero()}, {}, {}), Error);
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

TEST(CompareScenes, SeesOnlyTheNoiseOfSamplingForEqualScenes) {
  const SceneMetrics metrics = compare_scenes(two_boxes(), two_boxes(), few_points());
  EXPECT_GT(metrics.points.chamfer, 0.0);
  EXPECT_LT(metrics.points.chamfer, 0.06);
  EXPECT_DOUBLE_EQ(metrics.points.f_scores[0], 1.0);
  EXPECT_EQ(metrics.self_iou_mean, 0.0);
}

TEST(CompareScenes, DependsOnTheSeedAlone) {
  MetricConfig config = few_points();
  const double first = compare_scenes(two_boxes(), two_boxes({0.1, 0, 0}), config).points.chamfer;
  EXPECT_EQ(compare_scenes(two_boxes(), two_boxes({0.1, 0, 0}), config).points.chamfer, first);
  config.seed = 1;
  EXPECT_NE(compare_scenes(two_boxes(), two_boxes({0.1, 0, 0}), config).points.chamfer, first);
}

Scene moved(Scene scene, float scale, const Vec3& shift) {
  for (auto& component : scene.components) {
    for (Vec3& vertex : component.mesh.vertices) {
      vertex = scale * vertex + shift;
    }
  }
  return scene;
}

// Wherever a dataset puts an asset and however large, its scores are those of longest side 2.
TEST(CompareScenes, ScoresInTheFrameInWhichTheReferenceIsCentredWithLongestSide2) {
  const Scene reference = two_boxes();
  const Scene prediction = two_boxes({0.1F, 0.05F, 0});
  const auto expected = compare_scenes(prediction, reference, few_points());
  const Vec3 shift(0.3F, -2, 5);
  const auto in_dataset =
      compare_scenes(moved(prediction, 0.95F, shift), moved(reference, 0.95F, shift), few_points());
  EXPECT_NEAR(in_dataset.points.chamfer, expected.points.chamfer, 1e-4);
  EXPECT_NEAR(in_dataset.points.f_scores[0], expected.points.f_scores[0], 2e-3);
  EXPECT_NEAR(in_dataset.points.f_scores[1], expected.points.f_scores[1], 2e-3);
}

TEST(CompareScenes, TakesTheVoxelsOfTheSelfIouInThatFrame) {
  // 64 voxels along 2: the two boxes of half the size fill as many as the whole ones.
  const Scene overlapping = scene_of(
      {box_mesh({-1, -0.5, -0.5}, {0.5, 0.5, 0.5}), box_mesh({0, -0.5, -0.5}, {1, 0.5, 0.5})});
  const auto whole = compare_scenes(overlapping, overlapping, few_points());
  const Scene half = moved(overlapping, 0.5F, Vec3::Zero());
  EXPECT_EQ(compare_scenes(half, half, few_points()).self_iou_mean, whole.self_iou_mean);
  EXPECT_EQ(whole.self_iou_mean, self_iou(overlapping, 64).mean);
}

TEST(CompareScenes, ComparesAPartInTheFrameOfTheWhole) {
  const Scene reference = moved(two_boxes(), 0.5F, {1, 1, 1});
  const Scene prediction = moved(two_boxes(), 0.5F, {1.05F, 1, 1});
  const auto frames = comparison_frames(prediction, reference, few_points());
  const Scene part = {{prediction.components[1]}};
  const Scene of_reference = {{reference.components[1]}};
  const auto score = compare_scenes(part, of_reference, frames, few_points());
  const auto expected = compare_points(
      mesh::sample_surface(Scene{{two_boxes({0.1F, 0, 0}).components[1]}}, 5000, 1).positions,
      mesh::sample_surface(Scene{{two_boxes().components[1]}}, 5000, 0).positions, few_points());
  EXPECT_NEAR(score.points.chamfer, expected.chamfer, 1e-4);
}

TEST(CompareScenes, RenormalisesThePredictionWhenAsked) {
  const Scene prediction = moved(two_boxes(), 0.5F, {0.3F, 0, 0});
  MetricConfig config = few_points();
  EXPECT_GT(compare_scenes(prediction, two_boxes(), config).points.chamfer, 0.2);
  config.renormalise_prediction = true;
  EXPECT_LT(compare_scenes(prediction, two_boxes(), config).points.chamfer, 0.06);
  EXPECT_NE(frame_name(config), frame_name(few_points()));
}

std::string doubt(const Scene& prediction, const MetricConfig& config = few_points()) {
  return frame_doubt(prediction, two_boxes(), config);
}

TEST(FrameDoubt, IsNoneForScenesInOneFrame) {
  EXPECT_EQ(doubt(two_boxes()), "");
  EXPECT_EQ(doubt(moved(two_boxes(), 0.7F, {0.2F, 0, -0.2F})), "");
  EXPECT_EQ(doubt({}), "");
}

TEST(FrameDoubt, NamesWhatDiffersInSizeOrPlace) {
  EXPECT_EQ(doubt(moved(two_boxes(), 10, Vec3::Zero())),
            "the prediction is 10 times as large as the reference: if the two files are not in one "
            "frame, the scores mean nothing. renormalise_prediction=true centres and scales each "
            "by itself.");
  EXPECT_THAT(
      doubt(two_boxes({0, 0.75F, 0})),
      HasSubstr("prediction lies 0.375 of the reference's longest side off its centre: if"));
  EXPECT_THAT(doubt(moved(two_boxes(), 0.5F, {0, 2, 0})),
              HasSubstr("is 0.5 times as large as the reference and lies 1 of the"));
  EXPECT_NE(doubt(moved(two_boxes(), 1.6F, Vec3::Zero())), "");
}

TEST(FrameDoubt, IsNoneWhereEachIsCentredAndScaledByItself) {
  MetricConfig config = few_points();
  config.renormalise_prediction = true;
  EXPECT_EQ(doubt(moved(two_boxes(), 10, {3, 0, 0}), config), "");
}

TEST(BoxText, PlacesASceneWhereItsFileHasIt) {
  Scene far = two_boxes();
  far.origin = {500000, 0, 0};
  EXPECT_EQ(box_text(far), "longest side 2, centre (500000, 0, 0)");
}

// Whatever a prediction's size, its voxels are few: those of 1/128 of its longest side at most.
TEST(SelfIou, HasABoundOnItsVoxelsThatTheSceneSizeCannotMove) {
  const Scene overlapping = scene_of(
      {box_mesh({-1, -0.5, -0.5}, {0.5, 0.5, 0.5}), box_mesh({0, -0.5, -0.5}, {1, 0.5, 0.5})});
  const SelfIou twice = self_iou(moved(overlapping, 2, Vec3::Zero()), 64);
  for (const float size : {4.0F, 128.0F, 1e20F}) {
    const SelfIou iou = self_iou(moved(overlapping, size, Vec3::Zero()), 64);
    EXPECT_EQ(iou.voxel_counts, twice.voxel_counts) << size;
    EXPECT_EQ(iou.mean, twice.mean) << size;
  }
}

TEST(SelfIou, IsTheSameHoweverFarOutTheSceneIs) {
  const Scene overlapping = scene_of({box_mesh({-64, -32, -32}, {32, 32, 32}),  // floats hold it
                                      box_mesh({0, -32, -32}, {64, 32, 32})});
  const SelfIou near = self_iou(overlapping, 64);
  EXPECT_EQ(self_iou(moved(overlapping, 1, {float{1 << 28}, 0, 0}), 64).pairs, near.pairs);
}

TEST(CompareScenes, ScoresAPredictionOfAnyFiniteSizeOrRefusesItByName) {
  const Scene reference = two_boxes();
  for (const float size : {19.0F, 200.0F, 1e6F}) {
    const auto metrics =
        compare_scenes(moved(two_boxes(), size, Vec3::Zero()), reference, few_points());
    EXPECT_GT(metrics.points.chamfer, 0.1F * size);
    EXPECT_LT(metrics.points.f_scores[1], 0.01);
  }
  EXPECT_THAT(moca::testing::refusal([&] {
                compare_scenes(moved(two_boxes(), 1e20F, Vec3::Zero()), reference, few_points());
              }),
              HasSubstr("the prediction reaches to 1e+20, at most 1e+09 can be compared"));
}

TEST(CompareScenes, ScoresAnEmptyPredictionAsOnePointAtTheOrigin) {
  const Scene sphere_like = scene_of({box_mesh({-1, -1, -1}, {1, 1, 1})});
  for (const Scene& empty : {Scene{}, scene_of({{}, {}})}) {
    const SceneMetrics metrics = compare_scenes(empty, sphere_like, few_points());
    // Nearest to the origin the box is at 1; its faces are 1.28 away on average.
    EXPECT_NEAR(metrics.points.chamfer, 1.0 + 1.28, 0.02);
    EXPECT_EQ(metrics.points.f_scores, (std::vector<double>{0.0, 0.0}));
    EXPECT_EQ(metrics.self_iou_mean, 0.0);
  }
}

TEST(CompareScenes, RefusesAReferenceWithoutFaces) {
  EXPECT_THROW(compare_scenes(two_boxes(), Scene{}, few_points()), Error);
}

TEST(MetricConfig, ReadsItsSettingsAndRefusesWrongOnes) {
  const auto config = config::parse<MetricConfig>(
      "{alignment: yaw4, chamfer: mean_l2, thresholds: [0.02], num_points: 7}", "metrics.yaml");
  EXPECT_EQ(config.alignment, Alignment::kYaw4);
  EXPECT_EQ(config.chamfer, ChamferForm::kMeanL2);
  EXPECT_EQ(config.thresholds, std::vector<double>{0.02});
  EXPECT_EQ(config.num_points, 7);
  EXPECT_THROW(config::parse<MetricConfig>("{num_points: 0}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{thresholds: [0]}", "metrics.yaml"), Error);
  EXPECT_THROW(config::parse<MetricConfig>("{alignment: yaw5}", "metrics.yaml"), Error);
}

}  // namespace
}  // namespace moca::evaluation
