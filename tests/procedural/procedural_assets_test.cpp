#include "moca/procedural/procedural_assets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "moca/core/error.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/surface_sampling.h"
#include "tests/procedural/asset_samples.h"

namespace moca::procedural {
namespace {

constexpr uint64_t kNumSeeds = 6;

bool equal(const ProceduralAsset& a, const ProceduralAsset& b) {
  return std::equal(
      a.components.begin(), a.components.end(), b.components.begin(), b.components.end(),
      [](const ProceduralComponent& x, const ProceduralComponent& y) {
        const Primitive& p = x.primitive;
        const Primitive& q = y.primitive;
        return x.name == y.name && x.color == y.color && p.shape == q.shape &&
               p.half_size == q.half_size && p.radius == q.radius && p.minor == q.minor &&
               p.half_height == q.half_height && p.rotation == q.rotation && p.center == q.center;
      });
}

float smallest_thickness(const Primitive& primitive) {
  switch (primitive.shape) {
    case PrimitiveShape::kBox:
    case PrimitiveShape::kRoundedBox:
    case PrimitiveShape::kTrapezoid:
      return 2 * primitive.half_size.minCoeff();
    case PrimitiveShape::kCone:
      return 2 * std::min(std::max(primitive.radius, primitive.minor), primitive.half_height);
    case PrimitiveShape::kTorus:
      return 2 * primitive.minor;
    case PrimitiveShape::kPrism:
      return 2 * std::min(0.866F * primitive.radius, primitive.half_height);
    default:
      return 2 * std::min(primitive.radius, primitive.half_height);
  }
}

// How deep the surface of one component reaches into another; negative: the gap between them.
float reach_into(const std::vector<Vec3>& surface, const Primitive& other) {
  float deepest = -1e9F;
  for (const Vec3& point : surface) {
    deepest = std::max(deepest, signed_distance(other, point));
  }
  return deepest;
}

// Corners and points between them.
std::vector<Vec3> surface_of(const Primitive& primitive) {
  const mesh::TriangleMesh mesh = mesh_of(primitive);
  std::vector<Vec3> surface = mesh::sample_surface(mesh, 400, 1).positions;
  surface.insert(surface.end(), mesh.vertices.begin(), mesh.vertices.end());
  return surface;
}

bool are_apart(const mesh::Box& a, const mesh::Box& b, float gap) {
  return ((a.low - b.high).array() > gap).any() || ((b.low - a.high).array() > gap).any();
}

TEST(MakeAsset, MeetsEveryCountInEveryFamily) {
  for_each_asset(1, 20, [](const ProceduralAsset& asset, int count) {
    EXPECT_EQ(static_cast<int>(asset.components.size()), count);
  });
}

TEST(MakeAsset, DrawsCountsOverTheWholeRange) {
  for (const Family family : kAllFamilies) {
    std::set<size_t> counts;
    for (uint64_t seed = 0; seed < 60; ++seed) {
      counts.insert(make_asset(family, 3, 6, seed).components.size());
    }
    EXPECT_EQ(counts, (std::set<size_t>{3, 4, 5, 6})) << name_of(family);
  }
}

TEST(MakeAsset, RepeatsForASeedAndVariesWithIt) {
  for (const Family family : kAllFamilies) {
    const ProceduralAsset asset = make_asset(family, 2, 32, 11);
    EXPECT_TRUE(equal(asset, make_asset(family, 2, 32, 11)));
    EXPECT_FALSE(equal(make_asset(family, 6, 6, 11), make_asset(family, 6, 6, 12)))
        << name_of(family);
  }
}

TEST(MakeAsset, CentresAndScalesTheWhole) {
  for_each_asset(3, kNumSeeds, [](const ProceduralAsset& asset, int) {
    const mesh::Box bounds = mesh::bounds(scene_of(asset));
    EXPECT_LT((bounds.low + bounds.high).cwiseAbs().maxCoeff(), 0.004F);
    EXPECT_NEAR((bounds.high - bounds.low).maxCoeff(), kLongestSide, 0.004F);
  });
}

TEST(MakeAsset, MakesNothingThinnerThanItsLimits) {
  for_each_asset(1, kNumSeeds, [](const ProceduralAsset& asset, int) {
    for (const ProceduralComponent& component : asset.components) {
      const float limit = std::min(2 * kMinStickRadius, kMinPlateThickness);
      EXPECT_GE(smallest_thickness(component.primitive), 0.995F * limit) << component.name;
    }
  });
}

TEST(MakeAsset, GivesEveryRoleItsOwnColor) {
  for_each_asset(1, kNumSeeds, [](const ProceduralAsset& asset, int) {
    std::map<std::string, Vec3> colors;
    for (const ProceduralComponent& component : asset.components) {
      const auto [entry, is_new] = colors.emplace(role_of(component), component.color);
      EXPECT_EQ(entry->second, component.color) << "one role, one color: " << component.name;
      EXPECT_GE(component.color.minCoeff(), 0.0F);
      EXPECT_LE(component.color.maxCoeff(), 1.0F);
    }
    for (auto a = colors.begin(); a != colors.end(); ++a) {
      for (auto b = std::next(a); b != colors.end(); ++b) {
        EXPECT_GT((a->second - b->second).norm(), 0.1F) << a->first << " and " << b->first;
      }
    }
  });
}

TEST(MakeAsset, NamesEveryComponentOnce) {
  for_each_asset(5, 2, [](const ProceduralAsset& asset, int) {
    std::set<std::string> names;
    for (const ProceduralComponent& component : asset.components) {
      EXPECT_TRUE(names.insert(component.name).second) << component.name;
    }
  });
}

// Which components hang together with the floor, the last row of `touches`.
std::vector<bool> held_by_the_floor(const std::vector<std::vector<bool>>& touches) {
  const size_t floor = touches.size() - 1;
  std::vector<bool> is_held(touches.size(), false);
  is_held[floor] = true;
  std::vector<size_t> open = {floor};
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    for (size_t next = 0; next < touches.size(); ++next) {
      if (!is_held[next] && (touches[at][next] || touches[next][at])) {
        is_held[next] = true;
        open.push_back(next);
      }
    }
  }
  return is_held;
}

TEST(MakeAsset, HangsTogetherWithTheFloorButHardlyInterpenetrates) {
  constexpr float kDeepest = 0.1F;
  constexpr float kWidestGap = 0.02F;
  for_each_asset(2, 3, [&](const ProceduralAsset& asset, int count) {
    const float floor = mesh::bounds(scene_of(asset)).low.y();
    std::vector<std::vector<Vec3>> surfaces;
    std::vector<mesh::Box> boxes;
    for (const ProceduralComponent& component : asset.components) {
      surfaces.push_back(surface_of(component.primitive));
      boxes.push_back(bounds_of(component.primitive));
    }
    std::vector<std::vector<bool>> touches(count + 1, std::vector<bool>(count + 1, false));
    for (int i = 0; i < count; ++i) {
      touches[i][count] = boxes[i].low.y() < floor + kWidestGap;
      for (int j = 0; j < count; ++j) {
        if (i == j || are_apart(boxes[i], boxes[j], kWidestGap)) {
          continue;
        }
        const float reach = reach_into(surfaces[i], asset.components[j].primitive);
        EXPECT_LT(reach, kDeepest)
            << asset.components[i].name << " in " << asset.components[j].name;
        touches[i][j] = reach > -kWidestGap;
      }
    }
    const std::vector<bool> is_held = held_by_the_floor(touches);
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(is_held[i]) << asset.components[i].name << " floats";
    }
  });
}

TEST(MakeAsset, RefusesBoundsOutOfOrder) {
  EXPECT_THROW(make_asset(Family::kChair, 1, 4, 0), Error);
  EXPECT_THROW(make_asset(Family::kChair, 5, 4, 0), Error);
  EXPECT_THROW(make_asset(Family::kChair, 2, 33, 0), Error);
}

TEST(SceneOf, KeepsNamesAndColorsOfClosedMeshes) {
  for (const Family family : kAllFamilies) {
    const ProceduralAsset asset = make_asset(family, 9, 9, 3);
    const mesh::Scene scene = scene_of(asset);
    ASSERT_EQ(scene.components.size(), asset.components.size());
    for (size_t i = 0; i < scene.components.size(); ++i) {
      EXPECT_EQ(scene.components[i].name, asset.components[i].name);
      EXPECT_EQ(scene.components[i].color, asset.components[i].color);
      EXPECT_TRUE(mesh::is_watertight(scene.components[i].mesh)) << scene.components[i].name;
      EXPECT_GT(mesh::signed_volume(scene.components[i].mesh), 0) << scene.components[i].name;
    }
  }
}

}  // namespace
}  // namespace moca::procedural
