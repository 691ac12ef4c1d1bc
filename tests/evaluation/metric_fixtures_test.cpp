// The metrics against numbers computed with scipy and trimesh, or by scripts/golden_metrics.py by
// brute force, and against closed forms.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "moca/evaluation/metric.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/surface_sampling.h"
#include "src/evaluation/alignment.h"
#include "src/evaluation/point_distances.h"
#include "src/evaluation/self_iou.h"
#include "test_shapes.h"
#include "tests/support/scores.h"
#include "tests/support/shared_folder.h"

namespace moca::evaluation {
namespace {

using mesh::Vec3;
using moca::testing::box_mesh;
using moca::testing::sphere_points;
using nlohmann::json;
using Points = std::vector<Vec3>;

class MetricFixtures : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = testing::fixture_folder(GetParam());
    const auto path = folder_ / "metrics.json";
    if (testing::may_skip(path, GetParam())) {
      GTEST_SKIP() << "no fixture at " << path;
    }
    std::ifstream file(path);
    fixtures_ = json::parse(file);
  }

  std::filesystem::path folder_;
  json fixtures_;
};

INSTANTIATE_TEST_SUITE_P(From, MetricFixtures, testing::both_origins(), testing::name_of_origin);

Vec3 to_vec3(const json& numbers) {
  return {numbers[0].get<float>(), numbers[1].get<float>(), numbers[2].get<float>()};
}

Points shape_points(const json& shape, int64_t count, uint64_t seed) {
  const auto kind = shape.at("kind").get<std::string>();
  if (kind == "sphere") {
    return sphere_points(to_vec3(shape.at("centre")), shape.at("radius").get<float>(), count, seed);
  }
  if (kind == "spheres") {  // all of one size
    const json& items = shape.at("items");
    Points points;
    for (const json& item : items) {
      const Points part =
          sphere_points(to_vec3(item.at("centre")), item.at("radius").get<float>(),
                        count / static_cast<int64_t>(items.size()), seed + points.size());
      points.insert(points.end(), part.begin(), part.end());
    }
    return points;
  }
  if (kind == "box") {
    return mesh::sample_surface(box_mesh(to_vec3(shape.at("lo")), to_vec3(shape.at("hi"))), count,
                                seed)
        .positions;
  }
  const float side = shape.at("side").get<float>();
  const float z = shape.at("z").get<float>();
  mesh::TriangleMesh square;
  square.vertices = {{0, 0, z}, {side, 0, z}, {side, side, z}, {0, side, z}};
  square.faces = {{0, 1, 2}, {0, 2, 3}};
  return mesh::sample_surface(square, count, seed).positions;
}

// The points of a binary PLY file without faces, as trimesh writes it.
Points read_points(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  size_t count = 0;
  for (std::string line; std::getline(file, line) && line != "end_header";) {
    if (line.rfind("element vertex ", 0) == 0) {
      count = std::stoul(line.substr(15));
    }
  }
  Points points(count);
  file.read(reinterpret_cast<char*>(points.data()),
            static_cast<std::streamsize>(count * sizeof(Vec3)));
  return points;
}

Scores scores_between(const Points& prediction, const Points& reference,
                      const MetricConfig& config = {}) {
  return scores_of(comparison_of(prediction, reference, config), Scored::kAgainstReference);
}

void expect_f_scores(const Scores& scores, const json& expected, double tolerance) {
  const auto value = [](const json& number) {
    return number.is_object() ? number.at("mean").get<double>() : number.get<double>();
  };
  EXPECT_NEAR(value_of(scores, "f_score_0.1"), value(expected.at("f_0_1")), tolerance);
  EXPECT_NEAR(value_of(scores, "f_score_0.05"), value(expected.at("f_0_05")), tolerance);
}

constexpr std::array<std::pair<ChamferForm, const char*>, 3> kForms = {
    {{ChamferForm::kSumL2, "cd"},
     {ChamferForm::kMeanL2, "cd_alt_mean_of_directions"},
     {ChamferForm::kSumSquared, "cd_alt_squared_sum"}}};

TEST_P(MetricFixtures, ClosedForms) {
  constexpr int64_t kCount = 50000;
  for (const json& fixture : fixtures_.at("closed_form")) {
    SCOPED_TRACE(fixture.at("name").get<std::string>());
    const json& expected = fixture.at("expect");
    const Points prediction = shape_points(fixture.at("a"), kCount, 1);
    const Points reference = shape_points(fixture.at("b"), kCount, 2000000);
    const NearestPoints near_prediction(prediction);
    const NearestPoints near_reference(reference);
    const auto forth = near_reference.distances(prediction);
    const auto back = near_prediction.distances(reference);
    // The nearest sample is farther away than the surface: by up to what a second draw of the same
    // surface shows.
    const auto floor = near_reference.distances(shape_points(fixture.at("b"), kCount, 3000000));
    for (const auto& [form, key] : kForms) {
      if (expected.contains(key)) {
        const double excess = chamfer_distance(forth, back, form) - expected.at(key).get<double>();
        EXPECT_GT(excess, -2e-3) << key;
        EXPECT_LT(excess, 2e-3 + chamfer_distance(floor, floor, form)) << key;
      }
    }
    if (expected.contains("f_0_1") && !fixture.value("edge", false)) {
      expect_f_scores(scores_between(prediction, reference), expected, 8e-3);
    }
  }
}

TEST_P(MetricFixtures, PointClouds) {
  for (const json& fixture : fixtures_.at("points_exact")) {
    SCOPED_TRACE(fixture.at("name").get<std::string>());
    const json& expected = fixture.at("expect");
    const Points prediction = read_points(folder_ / fixture.at("a").get<std::string>());
    const Points reference = read_points(folder_ / fixture.at("b").get<std::string>());
    for (const auto& [form, key] : kForms) {
      MetricConfig config;
      config.chamfer = form;
      const Scores scores = scores_between(prediction, reference, config);
      EXPECT_NEAR(value_of(scores, "chamfer"), expected.at(key).get<double>(), 1e-6) << key;
      if (!fixture.value("edge", false)) {
        expect_f_scores(scores, expected, 1e-6);
      }
    }
  }
}

TEST_P(MetricFixtures, ScenesAsTheyAreAndRenormalised) {
  for (const json& fixture : fixtures_.at("mesh_pairs")) {
    const auto prediction = mesh::read_scene(folder_ / fixture.at("pred").get<std::string>());
    const auto reference = mesh::read_scene(folder_ / fixture.at("gt").get<std::string>());
    EXPECT_EQ(prediction.components.size(), fixture.at("pred_components").get<size_t>());
    for (const bool renormalise : {false, true}) {
      SCOPED_TRACE(fixture.at("name").get<std::string>() + (renormalise ? " renormalised" : ""));
      const json& expected = fixture.at(renormalise ? "pred_renormalised" : "as_is");
      MetricConfig config;
      config.renormalise_prediction = renormalise;
      const Scores scores = compare_scenes(prediction, reference, config);
      EXPECT_NEAR(value_of(scores, "chamfer"), expected.at("cd").at("mean").get<double>(), 1e-3);
      expect_f_scores(scores, expected, 3e-3);
    }
  }
}

TEST_P(MetricFixtures, QuarterTurns) {
  const json& fixture = fixtures_.at("alignment");
  const auto count = fixture.at("n_points").get<int64_t>();
  const auto scene = mesh::read_scene(folder_ / fixture.at("mesh").get<std::string>());
  const Points reference = mesh::sample_surface(scene, count, 1).positions;
  const Points sampled = mesh::sample_surface(scene, count, 2).positions;
  const auto turns = candidate_rotations(Alignment::kYaw4);
  for (int turn = 0; turn < 4; ++turn) {
    SCOPED_TRACE(90 * turn);
    Points prediction;  // turned by 90 degrees, then by `turn` times 90 more
    for (const Vec3& point : sampled) {
      prediction.emplace_back(turns[(turn + 1) % 4] * point);
    }
    const json& expected = fixture.at("yaw").at(std::to_string(90 * turn));
    const Scores as_is = scores_between(prediction, reference);
    EXPECT_NEAR(value_of(as_is, "chamfer"), expected.at("cd").get<double>(), 5e-3);
    expect_f_scores(as_is, expected, 8e-3);
    const Points aligned =
        align_points(prediction, reference, Alignment::kYaw4, ChamferForm::kSumL2);
    EXPECT_NEAR(value_of(scores_between(aligned, reference), "chamfer"),
                fixture.at("yaw").at("270").at("cd").get<double>(), 5e-3);
  }
}

TEST_P(MetricFixtures, SelfIouCountsEveryVoxel) {
  for (const json& fixture : fixtures_.at("self_iou")) {
    SCOPED_TRACE(fixture.at("name").get<std::string>());
    mesh::Scene scene = mesh::read_scene(folder_ / fixture.at("mesh").get<std::string>());
    std::sort(scene.components.begin(), scene.components.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const SelfIou iou = self_iou(scene, 64);
    EXPECT_EQ(iou.voxel_counts, fixture.at("voxel_counts").get<std::vector<int64_t>>());
    const auto pairs = fixture.at("pair_ious_row_major").get<std::vector<double>>();
    ASSERT_EQ(iou.pairs.size(), pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_NEAR(iou.pairs[i], pairs[i], 1e-12);
    }
    EXPECT_NEAR(iou.mean, fixture.at("mean").get<double>(), 1e-9);
    EXPECT_NEAR(iou.max, fixture.at("max").get<double>(), 1e-9);
  }
}

}  // namespace
}  // namespace moca::evaluation
