#include "moca/evaluation/geometry_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "test_shapes.h"

namespace moca::evaluation {
namespace {

using mesh::Scene;
using mesh::Vec3;
using moca::testing::box_mesh;
using moca::testing::scene_of;
using moca::testing::sphere_points;

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

TEST(CompareScenes, RenormalisesThePredictionWhenAsked) {
  Scene prediction = two_boxes();
  for (auto& component : prediction.components) {
    for (Vec3& vertex : component.mesh.vertices) {
      vertex = 0.5F * vertex + Vec3(0.3F, 0, 0);
    }
  }
  MetricConfig config = few_points();
  EXPECT_GT(compare_scenes(prediction, two_boxes(), config).points.chamfer, 0.2);
  config.renormalise_prediction = true;
  EXPECT_LT(compare_scenes(prediction, two_boxes(), config).points.chamfer, 0.06);
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
