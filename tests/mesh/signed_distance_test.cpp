#include "moca/mesh/signed_distance.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <random>

#include "moca/core/error.h"
#include "moca/mesh/surface_sampling.h"
#include "src/mesh/ray_caster.h"
#include "tests/mesh/brute_force.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using testing::box;
using testing::cube;
using testing::join;
using testing::random_points;
using testing::sphere;

constexpr int kResolution = 64;

TEST(SignedDistance, MatchesTheSphere) {
  const std::vector<Vec3> points = random_points(5000, 1.2F, 1);
  const std::vector<float> distances = signed_distance(sphere(0.7F, 128), points);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(distances[i], 0.7F - points[i].norm(), 3e-4F) << points[i].transpose();
  }
}

TEST(SignedDistance, MatchesTheBoxAlsoOnItsPlanesOfSymmetry) {
  std::vector<Vec3> points = random_points(3000, 1.0F, 2);
  for (int i = -10; i <= 10; ++i) {
    for (int j = -10; j <= 10; ++j) {
      points.emplace_back(0.1F * static_cast<float>(i), 0.1F * static_cast<float>(j), 0.0F);
    }
  }
  const std::vector<float> distances = signed_distance(cube(0.55F), points);
  for (size_t i = 0; i < points.size(); ++i) {
    const Vec3 beyond = points[i].cwiseAbs() - Vec3::Constant(0.55F);
    const float expected = -beyond.cwiseMax(0.0F).norm() - std::min(beyond.maxCoeff(), 0.0F);
    EXPECT_NEAR(distances[i], expected, 1e-5F) << points[i].transpose();
  }
}

TEST(SignedDistance, IsPositiveWhereClosedPartsOverlapAndNegativeInACavity) {
  const TriangleMesh overlapping = join(box({-1, -0.5F, -0.5F}, {0.3F, 0.5F, 0.5F}),
                                        box({-0.3F, -0.5F, -0.5F}, {1, 0.5F, 0.5F}));
  const std::vector<Vec3> points = {{0.01F, 0.02F, 0.03F}, {0.7F, 0, 0}, {1.4F, 0, 0}};
  const std::vector<float> distances = signed_distance(overlapping, points);
  EXPECT_GT(distances[0], 0);
  EXPECT_GT(distances[1], 0);
  EXPECT_NEAR(distances[2], -0.4F, 1e-5F);

  TriangleMesh hole = cube(0.4F);
  testing::flip_faces(hole);
  const std::vector<Vec3> along = {{0.01F, 0.02F, 0.03F}, {0.6F, 0, 0}};
  const std::vector<float> hollow = signed_distance(join(cube(1), hole), along);
  EXPECT_NEAR(hollow[0], -0.37F, 1e-5F);
  EXPECT_NEAR(hollow[1], 0.2F, 1e-5F);
}

// A closed mesh of no symmetry at all: a sphere whose vertices are drawn in and out.
TriangleMesh potato(uint64_t seed) {
  TriangleMesh mesh = sphere(0.7F, 10);
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<float> stretch(0.5F, 1.4F);
  for (Vec3& vertex : mesh.vertices) {
    vertex *= stretch(engine);
  }
  return mesh;
}

TEST(SignedDistance, IsThatOfTheNearestFaceSignedByTheSolidAngles) {
  for (const uint64_t seed : {1, 2}) {
    const TriangleMesh mesh = potato(seed);
    ASSERT_TRUE(is_watertight(mesh));
    const std::vector<Vec3> points = random_points(400, 1.1F, seed);
    const std::vector<float> distances = signed_distance(mesh, points);
    for (size_t i = 0; i < points.size(); ++i) {
      const double distance = testing::distance_to_faces(mesh, points[i]);
      const bool is_inside = testing::winding_number(mesh, points[i]) > 0.5;
      EXPECT_NEAR(distances[i], is_inside ? distance : -distance, 2e-6) << points[i].transpose();
    }
  }
}

TEST(SignedDistance, MovesTurnsAndGrowsWithTheMesh) {
  const TriangleMesh mesh = potato(3);
  const Eigen::AngleAxisf turn(1.1F, Vec3(3, -1, 2).normalized());
  const Vec3 offset(0.4F, -3, 1);
  const auto place = [&](std::vector<Vec3> points) {
    for (Vec3& point : points) {
      point = 2.0F * (turn * point) + offset;
    }
    return points;
  };
  const std::vector<Vec3> points = random_points(300, 1, 5);
  const std::vector<float> before = signed_distance(mesh, points);
  const std::vector<float> after =
      signed_distance({place(mesh.vertices), mesh.faces}, place(points));
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(after[i], 2 * before[i], 1e-5F);
  }
}

TEST(SignedDistance, OfNoPointsIsNothing) { EXPECT_TRUE(signed_distance(cube(1), {}).empty()); }

// What every result of make_watertight must satisfy: closed, outward, and nowhere farther than two
// voxels from the input; `covered` is the input whose samples must lie inside.
void expect_tight_and_closed(const TriangleMesh& closed, const TriangleMesh& input,
                             int resolution = kResolution) {
  ASSERT_TRUE(is_watertight(closed));
  EXPECT_GT(signed_volume(closed), 0);
  const Box around = bounds(input);
  const float voxel = (around.high - around.low).maxCoeff() / static_cast<float>(resolution);
  const RayCaster caster(input);
  float farthest = 0;
  for (const Vec3& vertex : closed.vertices) {
    farthest = std::max(farthest, caster.distance_to_surface(vertex));
  }
  EXPECT_LT(farthest, 2 * voxel);
  const SurfacePoints samples = sample_surface(input, 2000, 4);
  const std::vector<float> distances = signed_distance(closed, samples.positions);
  EXPECT_GT(*std::min_element(distances.begin(), distances.end()), 0.0F);
}

TEST(MakeWatertight, ThickensAClosedSphereByOneVoxel) {
  const TriangleMesh closed = make_watertight(sphere(0.5F, 48), kResolution);
  expect_tight_and_closed(closed, sphere(0.5F, 48));
  const double radius = 0.5 + 1.0 / kResolution;
  EXPECT_NEAR(signed_volume(closed), 4.0 / 3 * M_PI * std::pow(radius, 3), 4e-3);
}

TEST(MakeWatertight, FillsASphereWhicheverWayItsFacesLook) {
  const TriangleMesh outward = sphere(0.5F, 32);
  TriangleMesh mixed = outward;
  std::mt19937 engine(3);
  for (auto& face : mixed.faces) {
    if (engine() % 2 == 0) {
      std::swap(face[1], face[2]);
    }
  }
  const TriangleMesh closed = make_watertight(mixed, kResolution);
  expect_tight_and_closed(closed, mixed);
  EXPECT_NEAR(signed_volume(closed), signed_volume(make_watertight(outward, kResolution)), 1e-5);
}

TEST(MakeWatertight, FillsASphereWithAHoleNarrowerThanTwoVoxels) {
  TriangleMesh punctured = sphere(0.5F, 96);
  punctured.faces.erase(punctured.faces.begin() + 9000, punctured.faces.begin() + 9002);
  ASSERT_FALSE(is_watertight(punctured));
  expect_tight_and_closed(make_watertight(punctured, kResolution), punctured);
  EXPECT_GT(signed_volume(make_watertight(punctured, kResolution)), 0.52);
}

TEST(MakeWatertight, KeepsAnOpenBowlOpen) {
  TriangleMesh bowl = sphere(0.5F, 48);
  std::erase_if(bowl.faces, [&](const auto& face) { return bowl.vertices[face[0]].y() > 0.1F; });
  const TriangleMesh closed = make_watertight(bowl, kResolution);
  expect_tight_and_closed(closed, bowl);
  const std::vector<Vec3> center = {Vec3::Zero()};
  EXPECT_LT(signed_distance(closed, center)[0], 0);
}

TEST(MakeWatertight, ClosesASheetAndAStick) {
  const TriangleMesh sheet = testing::square(0.3F);
  const TriangleMesh closed = make_watertight(sheet, kResolution);
  expect_tight_and_closed(closed, sheet);
  // Two voxels thick, each voxel 2 / 64.
  EXPECT_NEAR(signed_volume(closed), 4 * 2 * 2.0 / kResolution, 0.03);

  const TriangleMesh stick = box({-1, 0, 0}, {1, 1e-4F, 1e-4F});
  expect_tight_and_closed(make_watertight(stick, kResolution), stick);
  const Eigen::AngleAxisf turn(0.7F, Vec3(1, 2, 3).normalized());
  TriangleMesh slanted = stick;
  for (Vec3& vertex : slanted.vertices) {
    vertex = turn * vertex;
  }
  expect_tight_and_closed(make_watertight(slanted, kResolution), slanted);
}

TEST(MakeWatertight, JoinsOverlappingPartsIntoOneSurface) {
  const TriangleMesh parts = join(box({-1, -0.3F, -0.3F}, {0.2F, 0.3F, 0.3F}),
                                  box({-0.2F, -0.2F, -0.2F}, {1, 0.2F, 0.2F}));
  const TriangleMesh closed = make_watertight(parts, kResolution);
  ASSERT_TRUE(is_watertight(closed));
  const std::vector<Vec3> overlap = {{0.01F, 0.01F, 0.01F}};
  EXPECT_GT(signed_distance(closed, overlap)[0], 0.2F);
}

TEST(MakeWatertight, IgnoresFacesWithoutArea) {
  TriangleMesh littered = sphere(0.5F, 24);
  const TriangleMesh clean = littered;
  const auto stray = static_cast<int32_t>(littered.vertices.size());
  littered.vertices.insert(littered.vertices.end(), {Vec3(9, 9, 9), Vec3(8, 8, 8)});
  littered.faces.push_back({stray, stray, stray + 1});
  littered.faces.push_back({0, 0, 0});
  EXPECT_EQ(make_watertight(littered, 32).vertices, make_watertight(clean, 32).vertices);
}

TEST(MakeWatertight, RefusesAMeshWithoutArea) {
  EXPECT_THROW(make_watertight(TriangleMesh{}, 32), Error);
  const TriangleMesh line{{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}}, {{0, 1, 2}}};
  EXPECT_THROW(make_watertight(line, 32), Error);
}

}  // namespace
}  // namespace moca::mesh
