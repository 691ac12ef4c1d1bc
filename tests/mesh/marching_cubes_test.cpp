#include "moca/mesh/marching_cubes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <stdexcept>

#include "mesh_checks.h"
#include "moca/mesh/scene_ops.h"
#include "tests/mesh/shapes.h"

namespace moca::mesh {
namespace {

using moca::testing::euler_number;
using moca::testing::has_one_ring_per_vertex;
using moca::testing::sorted_triangles;

Lattice unit_lattice(int resolution) {
  Lattice lattice;
  lattice.resolution = resolution;
  lattice.step = 2.0F / static_cast<float>(resolution - 1);
  return lattice;
}

// Calls visit(x, y, z) for all samples, in the order of the field.
void visit_samples(int resolution, const std::function<void(int, int, int)>& visit) {
  for (int x = 0; x < resolution; ++x) {
    for (int y = 0; y < resolution; ++y) {
      for (int z = 0; z < resolution; ++z) {
        visit(x, y, z);
      }
    }
  }
}

std::vector<float> sampled(const Lattice& lattice, const std::function<float(const Vec3&)>& field) {
  std::vector<float> values;
  visit_samples(lattice.resolution,
                [&](int x, int y, int z) { values.push_back(field(lattice.position(x, y, z))); });
  return values;
}

// Every sample drawn by itself, which makes all cases and all their neighbours appear; exact zeros
// and equal values are common. The border is empty.
std::vector<float> noise(int resolution, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int> levels(-3, 3);
  std::vector<float> values;
  visit_samples(resolution, [&](int x, int y, int z) {
    const bool at_border = std::min({x, y, z}) == 0 || std::max({x, y, z}) == resolution - 1;
    values.push_back(at_border ? -1.0F : static_cast<float>(levels(random)));
  });
  return values;
}

// A few random waves, negative at the border.
std::function<float(const Vec3&)> few_waves(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-6.0F, 6.0F);
  std::array<std::pair<Vec3, float>, 6> terms;
  for (auto& [frequency, phase] : terms) {
    frequency = Vec3(uniform(random), uniform(random), uniform(random));
    phase = uniform(random);
  }
  return [terms](const Vec3& p) {
    float sum = 0;
    for (const auto& [frequency, phase] : terms) {
      sum += std::cos(frequency.dot(p) + phase);
    }
    return std::min(sum, 0.97F - p.cwiseAbs().maxCoeff());
  };
}

void expect_closed_manifold(const TriangleMesh& mesh) {
  ASSERT_FALSE(mesh.empty());
  EXPECT_TRUE(is_watertight(mesh));
  EXPECT_TRUE(has_one_ring_per_vertex(mesh));
}

// All blocks that meet the lattice, -1 beyond its border.
std::vector<FieldBlock> all_blocks(const std::vector<float>& field, int resolution) {
  std::vector<FieldBlock> blocks;
  const int side = (resolution - 1 + kBlockCells - 1) / kBlockCells;
  visit_samples(side, [&](int bx, int by, int bz) {
    FieldBlock block;
    block.origin = {bx * kBlockCells, by * kBlockCells, bz * kBlockCells};
    visit_samples(kBlockCells + 1, [&](int x, int y, int z) {
      const int gx = block.origin[0] + x;
      const int gy = block.origin[1] + y;
      const int gz = block.origin[2] + z;
      const bool beyond = std::max({gx, gy, gz}) >= resolution;
      block.values.push_back(beyond ? -1.0F : field[(gx * resolution + gy) * resolution + gz]);
    });
    blocks.push_back(block);
  });
  return blocks;
}

TEST(MarchingCubes, ClosesASphereThatFacesOutward) {
  const Lattice lattice = unit_lattice(48);
  const auto mesh =
      marching_cubes(sampled(lattice, [](const Vec3& p) { return 0.7F - p.norm(); }), lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(euler_number(mesh), 2);
  EXPECT_NEAR(signed_volume(mesh), 4.0 / 3.0 * std::numbers::pi * std::pow(0.7, 3), 5e-3);
  for (const Vec3& vertex : mesh.vertices) {
    EXPECT_NEAR(vertex.norm(), 0.7F, 1e-3F);
  }
}

TEST(MarchingCubes, KeepsTheHoleOfATorus) {
  const Lattice lattice = unit_lattice(48);
  const auto mesh = marching_cubes(sampled(lattice, testing::torus), lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(euler_number(mesh), 0);
  EXPECT_NEAR(signed_volume(mesh), 2 * std::pow(std::numbers::pi * 0.23, 2) * 0.6, 5e-3);
}

TEST(MarchingCubes, KeepsTwoSpheresApart) {
  const Lattice lattice = unit_lattice(48);
  const auto field = sampled(lattice, [](const Vec3& p) {
    return 0.4F - std::min((p - Vec3(0.5F, 0, 0)).norm(), (p + Vec3(0.5F, 0, 0)).norm());
  });
  const auto mesh = marching_cubes(field, lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(euler_number(mesh), 4);
}

TEST(MarchingCubes, ClosesEveryArrangementOfEightSamples) {
  const Lattice lattice = unit_lattice(4);
  for (int inside = 1; inside < 256; ++inside) {
    std::vector<float> field(64, -1.0F);
    for (int corner = 0; corner < 8; ++corner) {
      if ((inside >> corner) % 2 == 1) {
        field[((1 + corner % 2) * 4 + 1 + corner / 2 % 2) * 4 + 1 + corner / 4] = 1.0F;
      }
    }
    SCOPED_TRACE(inside);
    const auto mesh = marching_cubes(field, lattice);
    expect_closed_manifold(mesh);
    EXPECT_GT(signed_volume(mesh), 0);
  }
}

TEST(MarchingCubes, GivesClosedManifoldsForSmoothFields) {
  const Lattice lattice = unit_lattice(40);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    const auto mesh = marching_cubes(sampled(lattice, few_waves(seed)), lattice);
    expect_closed_manifold(mesh);
    EXPECT_EQ(euler_number(mesh) % 2, 0);
    EXPECT_GT(signed_volume(mesh), 0);
  }
}

TEST(MarchingCubes, GivesClosedManifoldsForNoiseWithExactZeros) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    const Lattice lattice = unit_lattice(20);
    const auto mesh = marching_cubes(noise(20, seed), lattice);
    expect_closed_manifold(mesh);
    // No vertex of one place is there twice, or welding would tear the surface.
    TriangleMesh welded = mesh;
    weld(welded);
    EXPECT_EQ(welded.vertices.size(), mesh.vertices.size());
    EXPECT_EQ(welded.faces.size(), mesh.faces.size());
  }
}

TEST(MarchingCubes, PutsVerticesOfALinearFieldOnItsPlane) {
  const Lattice lattice = unit_lattice(11);
  const Vec3 normal(0.3F, 0.5F, -0.8F);
  const auto mesh = marching_cubes(
      sampled(lattice, [&](const Vec3& p) { return 0.123F - normal.dot(p); }), lattice);
  ASSERT_FALSE(mesh.empty());
  for (const Vec3& vertex : mesh.vertices) {
    EXPECT_NEAR(normal.dot(vertex), 0.123F, 1e-6F);
  }
}

TEST(MarchingCubes, LeavesTheSurfaceOpenAtThePositiveBorder) {
  const Lattice lattice = unit_lattice(11);
  const auto mesh =
      marching_cubes(sampled(lattice, [](const Vec3& p) { return 0.03F - p.x(); }), lattice);
  EXPECT_EQ(mesh.vertices.size(), 11 * 11);
  EXPECT_EQ(mesh.faces.size(), 2 * 10 * 10);
  EXPECT_EQ(euler_number(mesh), 1);
}

TEST(MarchingCubes, FindsNothingWhereNothingIsPositive) {
  EXPECT_TRUE(marching_cubes(std::vector<float>(125, 0.0F), unit_lattice(5)).empty());
  EXPECT_TRUE(marching_cubes(std::vector<float>(125, 1.0F), unit_lattice(5)).empty());
  std::vector<float> touching(125, -1.0F);
  touching[62] = 0.0F;  // the middle
  EXPECT_TRUE(marching_cubes(touching, unit_lattice(5)).empty());
}

TEST(MarchingCubes, RefusesAFieldOfTheWrongSize) {
  EXPECT_THROW(marching_cubes(std::vector<float>(100), unit_lattice(5)), std::logic_error);
  EXPECT_THROW(marching_cubes(std::vector<FieldBlock>(1), unit_lattice(5)), std::logic_error);
}

TEST(MarchingCubes, GivesTheSameTrianglesFromBlocks) {
  constexpr int kResolution = 29;  // no multiple of the block's size
  const Lattice lattice = unit_lattice(kResolution);
  for (const auto& field : {noise(kResolution, 7), sampled(lattice, testing::torus)}) {
    const auto dense = marching_cubes(field, lattice);
    const auto blocks = marching_cubes(all_blocks(field, kResolution), lattice);
    EXPECT_EQ(dense.vertices.size(), blocks.vertices.size());
    EXPECT_EQ(sorted_triangles(dense), sorted_triangles(blocks));
  }
}

TEST(MarchingCubes, AcceptsBlocksBelowTheLattice) {
  FieldBlock block;
  block.origin = {-kBlockCells, 0, 0};
  visit_samples(kBlockCells + 1, [&](int x, int y, int z) {
    block.values.push_back(x == 4 && y == 4 && z == 4 ? 1.0F : -1.0F);
  });
  const Lattice lattice = unit_lattice(9);
  const auto mesh = marching_cubes(std::vector<FieldBlock>{block}, lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(mesh.faces.size(), 8);
  EXPECT_LT((mesh.vertices[0] - lattice.position(-4, 4, 4)).norm(), lattice.step);
}

}  // namespace
}  // namespace moca::mesh
