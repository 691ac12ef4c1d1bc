#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "moca/mesh/scene_ops.h"
#include "moca/procedural/procedural_assets.h"
#include "src/mesh/ray_caster.h"
#include "tests/mesh/mesh_checks.h"
#include "tests/procedural/asset_samples.h"
#include "tests/procedural/primitive_samples.h"

namespace moca::procedural {
namespace {

float smallest_face(const mesh::TriangleMesh& mesh) {
  float smallest = 1e9F;
  for (const auto& [a, b, c] : mesh.faces) {
    const Vec3 ab = mesh.vertices[b] - mesh.vertices[a];
    const Vec3 ac = mesh.vertices[c] - mesh.vertices[a];
    smallest = std::min(smallest, ab.cross(ac).norm() / 2);
  }
  return smallest;
}

TEST(AssetMeshes, AreClosedManifoldsWithoutDegenerateFaces) {
  for_each_asset(6, 1, [](const ProceduralAsset& asset, int) {
    for (const ProceduralComponent& component : asset.components) {
      const mesh::TriangleMesh mesh = mesh_of(component.primitive);
      SCOPED_TRACE(component.name);
      EXPECT_TRUE(mesh::is_watertight(mesh));
      EXPECT_TRUE(moca::testing::has_one_ring_per_vertex(mesh));
      const bool is_ring = component.primitive.shape == PrimitiveShape::kTorus;
      EXPECT_EQ(moca::testing::euler_number(mesh), is_ring ? 0 : 2);
      EXPECT_GT(mesh::signed_volume(mesh), 0);
      EXPECT_GT(smallest_face(mesh), 1e-7F);
    }
  });
}

TEST(AssetMeshes, LieWhereTheSignedDistanceVanishes) {
  for_each_asset(6, 1, [](const ProceduralAsset& asset, int) {
    for (const ProceduralComponent& component : asset.components) {
      const mesh::TriangleMesh mesh = mesh_of(component.primitive);
      float farthest = 0;
      for (const Vec3& vertex : mesh.vertices) {
        farthest = std::max(farthest, std::abs(signed_distance(component.primitive, vertex)));
      }
      EXPECT_LT(farthest, 2e-6F) << component.name;
      float deepest = 0;
      for (const auto& [a, b, c] : mesh.faces) {
        const Vec3 middle = (mesh.vertices[a] + mesh.vertices[b] + mesh.vertices[c]) / 3.0F;
        deepest = std::max(deepest, std::abs(signed_distance(component.primitive, middle)));
      }
      EXPECT_LT(deepest, kTessellation) << component.name;
    }
  });
}

// Against the rays and the nearest faces of the meshes, which know nothing of the primitives.
TEST(AssetDistances, AreThoseToTheMeshAndPositiveWhereItWinds) {
  const Vec3 direction = Vec3(-0.43F, 0.29F, 0.86F).normalized();
  Random random(11);
  int num_inside = 0;
  for_each_asset(6, 1, [&](const ProceduralAsset& asset, int) {
    for (const ProceduralComponent& component : asset.components) {
      const mesh::RayCaster surface(mesh_of(component.primitive));
      const mesh::Box box = bounds_of(component.primitive);
      for (int i = 0; i < 20; ++i) {
        Vec3 point;
        for (int axis = 0; axis < 3; ++axis) {
          point[axis] = random.uniform(box.low[axis] - 0.1F, box.high[axis] + 0.1F);
        }
        const float distance = signed_distance(component.primitive, point);
        EXPECT_NEAR(std::abs(distance), surface.distance_to_surface(point), kTessellation)
            << component.name;
        if (std::abs(distance) > kTessellation) {
          EXPECT_EQ(surface.winding_number(point, direction), distance > 0 ? 1 : 0)
              << component.name << " at " << point.transpose();
          num_inside += distance > 0 ? 1 : 0;
        }
      }
    }
  });
  EXPECT_GT(num_inside, 1000);
}

TEST(AssetDistances, GrowByOnePerUnitAlmostEverywhere) {
  Random random(12);
  int num_points = 0;
  int num_exact = 0;
  for_each_asset(6, 1, [&](const ProceduralAsset& asset, int) {
    for (const ProceduralComponent& component : asset.components) {
      for (int i = 0; i < 10; ++i) {
        const Vec3 point(random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1));
        constexpr float kStep = 2e-3F;
        Vec3 slope;
        for (int axis = 0; axis < 3; ++axis) {
          const Vec3 step = kStep * Vec3::Unit(axis);
          slope[axis] = (signed_distance(component.primitive, point + step) -
                         signed_distance(component.primitive, point - step)) /
                        (2 * kStep);
        }
        EXPECT_LT(slope.norm(), 1.003F) << component.name;
        ++num_points;
        num_exact += slope.norm() > 0.99F ? 1 : 0;
      }
    }
  });
  EXPECT_GT(num_exact, 0.98 * num_points);
}

TEST(AssetFrame, IsFilledExactlyAlongTheLongestSide) {
  for_each_asset(1, 3, [](const ProceduralAsset& asset, int) {
    Vec3 low = Vec3::Constant(10);
    Vec3 high = -low;
    for (const ProceduralComponent& component : asset.components) {
      const mesh::Box box = bounds_of(component.primitive);
      low = low.cwiseMin(box.low);
      high = high.cwiseMax(box.high);
    }
    EXPECT_LT((low + high).cwiseAbs().maxCoeff(), 2e-6F);
    EXPECT_NEAR((high - low).maxCoeff(), kLongestSide, 4e-6F);
  });
}

// What stands in a row or a grid: boards, doors, windows.
TEST(AssetLayout, KeepsNeighboursOfOneKindApart) {
  const std::set<std::string> kinds = {"door",  "drawer", "seat",  "top", "shelf",  "board",
                                       "crate", "window", "apron", "leg", "spindle"};
  for_each_asset(1, 4, [&](const ProceduralAsset& asset, int count) {
    std::vector<mesh::Box> boxes;
    for (const ProceduralComponent& component : asset.components) {
      boxes.push_back(bounds_of(component.primitive));
    }
    for (int i = 0; i < count; ++i) {
      const std::string role = role_of(asset.components[i]);
      for (int j = 0; j < i; ++j) {
        if (kinds.contains(role) && role == role_of(asset.components[j])) {
          const Vec3 overlap =
              boxes[i].high.cwiseMin(boxes[j].high) - boxes[i].low.cwiseMax(boxes[j].low);
          // The cabin of a short truck is too narrow for two windows a side.
          const bool is_truck_window = asset.family == Family::kVehicle && role == "window";
          EXPECT_LT(overlap.minCoeff(), is_truck_window ? 0.02F : 1e-4F)
              << asset.components[i].name << " and " << asset.components[j].name;
        }
      }
    }
  });
}

// Each pair's members follow one another.
TEST(AssetLayout, MirrorsWhatComesInPairs) {
  const std::vector<std::tuple<Family, int, std::set<std::string>>> pairs = {
      {Family::kChair, 0, {"arm", "side", "arm_post"}},
      {Family::kShelf, 0, {"side"}},
      {Family::kRobot,
       0,
       {"arm", "hand", "shoulder", "forearm", "leg", "foot", "hip", "shin", "eye", "ear"}},
      {Family::kVehicle, 2, {"wheel", "headlight", "taillight", "door", "hubcap"}},
      {Family::kAirplane, 2, {"winglet", "tank", "engine", "tailplane"}}};
  for (const auto& [family, axis, roles] : pairs) {
    int num_pairs = 0;
    for (int count = kMinComponents; count <= kMaxComponents; ++count) {
      const ProceduralAsset asset = make_asset(family, count, count, 5);
      for (int i = 0; i + 1 < count; ++i) {
        const ProceduralComponent& one = asset.components[i];
        const ProceduralComponent& other = asset.components[i + 1];
        if (!roles.contains(role_of(one)) || role_of(one) != role_of(other)) {
          continue;
        }
        const float middle = (one.primitive.center[axis] + other.primitive.center[axis]) / 2;
        for (const Vec3& point : points_around(one.primitive, 10)) {
          Vec3 image = point;
          image[axis] = 2 * middle - point[axis];
          EXPECT_NEAR(signed_distance(other.primitive, image),
                      signed_distance(one.primitive, point), 2e-6F)
              << one.name << " of " << asset.name << " with " << count;
        }
        ++num_pairs;
        ++i;
      }
    }
    EXPECT_GT(num_pairs, 20) << name_of(family);
  }
}

TEST(AssetNames, AreLowerCaseAndNumberedFromOne) {
  for_each_asset(1, 3, [](const ProceduralAsset& asset, int) {
    std::map<std::string, std::vector<std::string>> names_of_role;
    for (const ProceduralComponent& component : asset.components) {
      EXPECT_EQ(component.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"),
                std::string::npos)
          << component.name;
      names_of_role[role_of(component)].push_back(component.name);
    }
    for (const auto& [role, names] : names_of_role) {
      for (size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(names[i], names.size() == 1 ? role : role + "_" + std::to_string(i + 1));
      }
    }
  });
  EXPECT_EQ(make_asset(Family::kRobot, 4, 4, 17).name, "robot_17");
}

TEST(AssetVariety, NeverRepeatsAnAssetOrLeavesAShapeOut) {
  std::set<PrimitiveShape> shapes;
  for (const Family family : kAllFamilies) {
    std::set<std::vector<float>> seen;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      std::vector<float> numbers;
      for (const ProceduralComponent& component : make_asset(family, 5, 5, seed).components) {
        const Primitive& primitive = component.primitive;
        shapes.insert(primitive.shape);
        numbers.insert(numbers.end(), primitive.center.begin(), primitive.center.end());
        numbers.insert(numbers.end(), primitive.half_size.begin(), primitive.half_size.end());
        numbers.insert(numbers.end(), {primitive.radius, primitive.half_height});
      }
      EXPECT_TRUE(seen.insert(numbers).second) << name_of(family) << " " << seed;
    }
  }
  EXPECT_EQ(shapes.size(), 9U);
}

}  // namespace
}  // namespace moca::procedural
