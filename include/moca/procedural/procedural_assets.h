#pragma once

#include <string_view>

#include "moca/procedural/primitives.h"

namespace moca::procedural {

enum class Family {
  kChair,
  kTable,
  kLamp,
  kCabinet,
  kShelf,
  kVehicle,
  kRobot,
  kBuilding,
  kAirplane,
  kTree,
};

inline constexpr std::array<Family, 10> kAllFamilies = {
    Family::kChair,   Family::kTable, Family::kLamp,     Family::kCabinet,  Family::kShelf,
    Family::kVehicle, Family::kRobot, Family::kBuilding, Family::kAirplane, Family::kTree};

// "chair", "table", ...
std::string_view name_of(Family family);

// Longest side of every asset, centred at 0: PartCrafter's [-1, 1] with a margin for the field's
// zero.
inline constexpr float kLongestSide = 1.9F;
// Nothing in an asset is thinner: a small autoencoder cannot learn it, and an F-score at 0.05 only
// sees its noise.
inline constexpr float kMinStickRadius = 0.035F;
inline constexpr float kMinPlateThickness = 0.07F;
inline constexpr int kMinComponents = 2;
inline constexpr int kMaxComponents = 32;

struct ProceduralComponent {
  std::string name;  // its role, numbered where the role repeats: "seat", "leg_1", "leg_2"
  Vec3 color = Vec3::Zero();
  Primitive primitive;
};

struct ProceduralAsset {
  std::string name;
  Family family = Family::kChair;
  std::vector<ProceduralComponent> components;
};

// An asset of 2 <= min_components <= count <= max_components <= 32 components, the count drawn
// evenly. A family has a core of two to six (a chair's seat, back and legs; which core depends on
// the count) and features it adds in random numbers until the count is met exactly (armrests,
// stretchers, spindles, seat boards, ...). Y up, the front towards +Z (vehicles and airplanes drive
// along +X). Throws Error when the bounds are not in order.
ProceduralAsset make_asset(Family family, int min_components, int max_components, uint64_t seed);

// The asset's meshes, each with its component's name and colour.
mesh::Scene scene_of(const ProceduralAsset& asset);

}  // namespace moca::procedural
