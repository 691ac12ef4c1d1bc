#include "moca/evaluation/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "moca/core/error.h"
#include "moca/mesh/surface_sampling.h"
#include "src/evaluation/point_distances.h"
#include "test_shapes.h"
#include "tests/support/refusal.h"

namespace moca::evaluation {
namespace {

using mesh::Scene;
using mesh::Vec3;
using moca::testing::box_mesh;
using moca::testing::few_points;
using moca::testing::moved;
using moca::testing::scene_of;
using moca::testing::two_boxes;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Comparison compared(const Scene& prediction, const Scene& reference,
                    const MetricConfig& config = few_points()) {
  return comparison_of(prediction, reference, comparison_frames(prediction, reference, config),
                       config);
}

// The Chamfer distance.
double distance(const Comparison& comparison) {
  return chamfer_distance(comparison.to_reference, comparison.to_prediction, ChamferForm::kSumL2);
}

TEST(ComparisonOfPoints, HoldsTheDistancesOfBothDirections) {
  const auto comparison =
      comparison_of({Vec3(0, 0, 0), Vec3(1, 0, 0)}, {Vec3(0, 3, 0)}, few_points());
  EXPECT_THAT(comparison.to_reference, ElementsAre(DoubleEq(3), DoubleEq(std::sqrt(10))));
  EXPECT_THAT(comparison.to_prediction, ElementsAre(DoubleEq(3)));
  EXPECT_EQ(comparison.config.num_points, few_points().num_points);
}

TEST(ComparisonOfPoints, RefusesAnEmptySet) {
  EXPECT_THROW(comparison_of(std::vector<Vec3>(), {Vec3::Zero()}, {}), Error);
  EXPECT_THROW(comparison_of({Vec3::Zero()}, std::vector<Vec3>(), {}), Error);
}

TEST(ComparisonOfScenes, SeesOnlyTheNoiseOfSamplingForEqualScenes) {
  const double noise = distance(compared(two_boxes(), two_boxes()));
  EXPECT_GT(noise, 0.0);
  EXPECT_LT(noise, 0.06);
}

TEST(ComparisonOfScenes, DependsOnTheSeedAlone) {
  MetricConfig config = few_points();
  const auto first = compared(two_boxes(), two_boxes({0.1, 0, 0}), config).to_reference;
  EXPECT_EQ(compared(two_boxes(), two_boxes({0.1, 0, 0}), config).to_reference, first);
  config.seed = 1;
  EXPECT_NE(compared(two_boxes(), two_boxes({0.1, 0, 0}), config).to_reference, first);
}

// Wherever a dataset puts an asset and however large, it is compared with longest side 2.
TEST(ComparisonOfScenes, IsInTheFrameInWhichTheReferenceIsCentredWithLongestSide2) {
  const Scene reference = two_boxes();
  const Scene prediction = two_boxes({0.1F, 0.05F, 0});
  const Vec3 shift(0.3F, -2, 5);
  const auto in_dataset = compared(moved(prediction, 0.95F, shift), moved(reference, 0.95F, shift));
  EXPECT_NEAR(distance(in_dataset), distance(compared(prediction, reference)), 1e-4);
  const auto box = mesh::bounds(in_dataset.reference);
  EXPECT_TRUE(box.high.isApprox(Vec3(1, 0.5F, 0.5F), 1e-5F)) << box.high.transpose();
  const auto moved_with_it = mesh::bounds(in_dataset.prediction);
  EXPECT_TRUE(moved_with_it.high.isApprox(Vec3(1.1F, 0.55F, 0.5F), 1e-5F))
      << moved_with_it.high.transpose();
}

TEST(ComparisonOfScenes, OfPartsIsInTheFrameOfTheWhole) {
  const Scene reference = moved(two_boxes(), 0.5F, {1, 1, 1});
  const Scene prediction = moved(two_boxes(), 0.5F, {1.05F, 1, 1});
  const auto frames = comparison_frames(prediction, reference, few_points());
  const auto of_parts = comparison_of(Scene{{prediction.components[1]}},
                                      Scene{{reference.components[1]}}, frames, few_points());
  const auto expected = comparison_of(
      mesh::sample_surface(Scene{{two_boxes({0.1F, 0, 0}).components[1]}}, 5000, 1).positions,
      mesh::sample_surface(Scene{{two_boxes().components[1]}}, 5000, 0).positions, few_points());
  EXPECT_NEAR(distance(of_parts), distance(expected), 1e-4);
}

TEST(ComparisonOfScenes, RenormalisesThePredictionWhenAsked) {
  const Scene prediction = moved(two_boxes(), 0.5F, {0.3F, 0, 0});
  MetricConfig config = few_points();
  EXPECT_GT(distance(compared(prediction, two_boxes(), config)), 0.2);
  config.renormalise_prediction = true;
  EXPECT_LT(distance(compared(prediction, two_boxes(), config)), 0.06);
}

TEST(ComparisonOfScenes, AlignsThePointsAndLeavesTheSceneAsItIs) {
  const Scene reference = two_boxes();
  Scene prediction = reference;
  for (auto& component : prediction.components) {
    for (Vec3& vertex : component.mesh.vertices) {
      vertex = Vec3(vertex.z(), vertex.y(), -vertex.x());  // a quarter turn about Y
    }
  }
  MetricConfig config = few_points();
  EXPECT_GT(distance(compared(prediction, reference, config)), 0.1);
  config.alignment = Alignment::kYaw4;
  const auto aligned = compared(prediction, reference, config);
  EXPECT_LT(distance(aligned), 0.06);
  EXPECT_EQ(mesh::bounds(aligned.prediction).high, mesh::bounds(prediction).high);
}

TEST(ComparisonOfScenes, TakesAPredictionOfAnyFiniteSizeOrRefusesItByName) {
  for (const float size : {19.0F, 200.0F, 1e6F}) {
    EXPECT_GT(distance(compared(moved(two_boxes(), size, Vec3::Zero()), two_boxes())), 0.1F * size);
  }
  EXPECT_THAT(moca::testing::refusal(
                  [&] { compared(moved(two_boxes(), 1e20F, Vec3::Zero()), two_boxes()); }),
              HasSubstr("the prediction reaches to 1e+20, at most 1e+09 can be compared"));
}

TEST(ComparisonOfScenes, PutsOnePointAtTheOriginInPlaceOfAnEmptyPrediction) {
  const Scene cube = scene_of({box_mesh({-1, -1, -1}, {1, 1, 1})});
  for (const Scene& empty : {Scene{}, scene_of({{}, {}})}) {
    const auto comparison = compared(empty, cube);
    EXPECT_THAT(comparison.prediction_points, ElementsAre(Vec3(0, 0, 0)));
    // Nearest to the origin the cube is at 1; its faces are 1.28 away on average.
    EXPECT_NEAR(distance(comparison), 1.0 + 1.28, 0.02);
  }
}

TEST(ComparisonOfScenes, RefusesAReferenceWithoutFaces) {
  EXPECT_THROW(compared(two_boxes(), Scene{}), Error);
  const auto frames = comparison_frames(two_boxes(), two_boxes(), few_points());
  EXPECT_THROW(comparison_of(two_boxes(), Scene{}, frames, few_points()), Error);
}

std::string doubt(const Scene& prediction, const MetricConfig& config = few_points()) {
  return frame_doubt(prediction, two_boxes(), config);
}

TEST(ComparisonFrames, AreTheReferencesForBothUnlessThePredictionHasItsOwn) {
  const Scene reference = moved(two_boxes(), 0.5F, {1, 0, 0});
  const Scene prediction = moved(two_boxes(), 4, {0, 3, 0});
  MetricConfig config = few_points();
  EXPECT_EQ(comparison_frames(prediction, reference, config).prediction.scale, 2.0F);
  config.renormalise_prediction = true;
  const auto frames = comparison_frames(prediction, reference, config);
  EXPECT_EQ(frames.reference.center, Vec3(1, 0, 0));
  EXPECT_EQ(frames.prediction.center, Vec3(0, 3, 0));
  EXPECT_EQ(frames.prediction.scale, 0.25F);
  EXPECT_EQ(comparison_frames({}, reference, config).prediction.scale, 2.0F) << "of nothing";
  EXPECT_NE(frame_name(config), frame_name(few_points()));
}

TEST(ComparisonFrames, RefuseAReferenceWithoutFaces) {
  EXPECT_THROW(comparison_frames(two_boxes(), {}, few_points()), Error);
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

TEST(SceneText, PlacesASceneWhereItsFileHasItAndCountsItsComponents) {
  Scene far = two_boxes();
  far.origin = {500000, 0, 0};
  far.components.emplace_back();
  EXPECT_EQ(scene_text(far),
            "longest side 2, centre (500000, 0, 0), components 3, without surface 1");
}

}  // namespace
}  // namespace moca::evaluation
