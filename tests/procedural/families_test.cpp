#include "moca/procedural/families.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "moca/mesh/renderer.h"
#include "moca/mesh/scene_ops.h"

namespace moca::procedural {
namespace {

int count_named(const ProceduralAsset& asset, const std::string& role) {
  return static_cast<int>(std::count_if(
      asset.components.begin(), asset.components.end(), [&](const ProceduralComponent& component) {
        return component.name == role || component.name.rfind(role + "_", 0) == 0;
      }));
}

TEST(Families, KeepWhatMakesThemRecognisable) {
  const std::map<Family, std::vector<std::string>> cores = {
      {Family::kChair, {"seat"}},          {Family::kTable, {"top"}},
      {Family::kLamp, {"shade"}},          {Family::kCabinet, {"body"}},
      {Family::kShelf, {"board"}},         {Family::kVehicle, {"body"}},
      {Family::kRobot, {"torso", "head"}}, {Family::kAirplane, {"fuselage", "wing"}},
      {Family::kTree, {"trunk"}}};
  for (const auto& [family, roles] : cores) {
    for (int count = kMinComponents; count <= kMaxComponents; ++count) {
      for (uint64_t seed = 0; seed < 5; ++seed) {
        const ProceduralAsset asset = make_asset(family, count, count, seed);
        for (const std::string& role : roles) {
          EXPECT_GE(count_named(asset, role), 1) << role << " of " << asset.name << ", " << count;
        }
      }
    }
  }
}

TEST(Families, ComeInPairsWhereTheirLimbsAndWheelsDo) {
  for (int count = kMinComponents; count <= kMaxComponents; ++count) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const ProceduralAsset robot = make_asset(Family::kRobot, count, count, seed);
      for (const char* role : {"arm", "hand", "leg", "eye", "ear"}) {
        EXPECT_EQ(count_named(robot, role) % 2, 0) << role;
      }
      const ProceduralAsset vehicle = make_asset(Family::kVehicle, count, count, seed);
      EXPECT_EQ(count_named(vehicle, "wheel") % 2, 0);
      EXPECT_EQ(count_named(vehicle, "headlight") % 2, 0);
    }
  }
}

TEST(Families, StandOnTheirWheelsAndLegs) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const auto& [family, role] :
         {std::pair{Family::kVehicle, "wheel"}, std::pair{Family::kTable, "leg"}}) {
      const ProceduralAsset asset = make_asset(family, 6, 12, seed);
      const float floor = mesh::bounds(scene_of(asset)).low.y();
      for (const ProceduralComponent& component : asset.components) {
        if (component.name.rfind(role, 0) == 0) {
          EXPECT_NEAR(bounds_of(component.primitive).low.y(), floor, 0.01F) << component.name;
        }
      }
    }
  }
}

// A picture can only tell what it shows: nearly every component is seen by the default camera.
TEST(Families, ShowNearlyAllComponentsToTheCamera) {
  int num_components = 0;
  int num_visible = 0;
  for (const Family family : kAllFamilies) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const ProceduralAsset asset = make_asset(family, 2, 8, seed);
      const mesh::Rendering rendering =
          mesh::render(scene_of(asset), mesh::Camera{.half_extent = 1.35F}, 96, 1);
      const std::set<uint8_t> seen(rendering.component_ids.pixels.begin(),
                                   rendering.component_ids.pixels.end());
      num_components += static_cast<int>(asset.components.size());
      num_visible += static_cast<int>(seen.size()) - (seen.count(0) > 0 ? 1 : 0);
    }
  }
  EXPECT_GT(num_visible, 0.95 * num_components);
}

TEST(Families, VaryInShapeAndNotOnlyInSize) {
  for (const Family family : kAllFamilies) {
    std::set<std::vector<std::string>> name_lists;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      std::vector<std::string> names;
      for (const ProceduralComponent& component : make_asset(family, 7, 7, seed).components) {
        names.push_back(component.name);
      }
      name_lists.insert(names);
    }
    EXPECT_GE(name_lists.size(), 4U) << name_of(family);
  }
}

TEST(Families, HaveDistinctNames) {
  std::set<std::string_view> names;
  for (const Family family : kAllFamilies) {
    names.insert(name_of(family));
  }
  EXPECT_EQ(names.size(), kAllFamilies.size());
}

}  // namespace
}  // namespace moca::procedural
