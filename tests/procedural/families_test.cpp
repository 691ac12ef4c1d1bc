#include "src/procedural/families.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "moca/mesh/renderer.h"
#include "moca/mesh/scene_ops.h"
#include "tests/procedural/asset_samples.h"

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

// Middles of the components of a role along an axis.
std::vector<float> middles(const ProceduralAsset& asset, const std::string& role, int axis) {
  std::vector<float> found;
  for (const ProceduralComponent& component : asset.components) {
    if (role_of(component) == role) {
      const mesh::Box box = bounds_of(component.primitive);
      found.push_back((box.low[axis] + box.high[axis]) / 2);
    }
  }
  return found;
}

// A family's roles, of which the first lies wholly before the second along an axis.
struct Order {
  Family family;
  std::string before;
  std::string behind;
};

void expect_in_order(const std::vector<Order>& orders, int axis) {
  for (const Order& order : orders) {
    int num_compared = 0;
    for (int count = kMinComponents; count <= kMaxComponents; ++count) {
      for (uint64_t seed = 0; seed < 6; ++seed) {
        const ProceduralAsset asset = make_asset(order.family, count, count, seed);
        const std::vector<float> before = middles(asset, order.before, axis);
        const std::vector<float> behind = middles(asset, order.behind, axis);
        if (before.empty() || behind.empty()) {
          continue;
        }
        ++num_compared;
        EXPECT_LT(*std::max_element(before.begin(), before.end()),
                  *std::min_element(behind.begin(), behind.end()))
            << order.before << " and " << order.behind << " of " << asset.name << ", " << count;
      }
    }
    EXPECT_GT(num_compared, 5) << order.before << " and " << order.behind;
  }
}

TEST(Families, StandTheRightWayUp) {
  expect_in_order({{Family::kChair, "leg", "seat"},
                   {Family::kChair, "seat", "back"},
                   {Family::kChair, "seat", "arm"},
                   {Family::kChair, "back", "headrest"},
                   {Family::kTable, "leg", "top"},
                   {Family::kTable, "shelf", "top"},
                   {Family::kTable, "top", "vase"},
                   {Family::kLamp, "base", "pole"},
                   {Family::kLamp, "pole", "shade"},
                   {Family::kLamp, "shade", "finial"},
                   {Family::kCabinet, "foot", "body"},
                   {Family::kCabinet, "body", "top"},
                   {Family::kVehicle, "wheel", "body"},
                   {Family::kVehicle, "body", "cabin"},
                   {Family::kVehicle, "body", "crate"},
                   {Family::kRobot, "leg", "torso"},
                   {Family::kRobot, "torso", "head"},
                   {Family::kRobot, "foot", "leg"},
                   {Family::kRobot, "mouth", "eye"},
                   {Family::kBuilding, "walls", "roof"},
                   {Family::kBuilding, "walls", "chimney"},
                   {Family::kBuilding, "tower", "tower_roof"},
                   {Family::kAirplane, "engine", "fuselage"},
                   {Family::kAirplane, "fuselage", "fin"},
                   {Family::kAirplane, "fuselage", "cockpit"},
                   {Family::kTree, "pot", "trunk"},
                   {Family::kTree, "trunk", "crown"},
                   {Family::kTree, "layer", "star"}},
                  1);
}

TEST(Families, FaceTheFront) {
  expect_in_order({{Family::kChair, "back", "cushion"},
                   {Family::kCabinet, "body", "door"},
                   {Family::kCabinet, "drawer", "knob"},
                   {Family::kShelf, "back", "board"},
                   {Family::kRobot, "head", "eye"},
                   {Family::kRobot, "backpack", "torso"},
                   {Family::kBuilding, "walls", "door"}},
                  2);
  expect_in_order({{Family::kVehicle, "taillight", "headlight"},
                   {Family::kVehicle, "crate", "cabin"},
                   {Family::kAirplane, "fin", "wing"},
                   {Family::kAirplane, "fuselage", "spinner"}},
                  0);
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
      const std::set<uint16_t> seen(rendering.component_ids.pixels.begin(),
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
