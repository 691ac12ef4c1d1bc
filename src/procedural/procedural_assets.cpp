#include "moca/procedural/procedural_assets.h"

#include <stdexcept>

#include "moca/core/error.h"
#include "moca/procedural/families.h"

namespace moca::procedural {
namespace {

void check_bounds(int min_components, int max_components) {
  if (min_components < kMinComponents || max_components > kMaxComponents ||
      min_components > max_components) {
    throw Error("procedural components from " + std::to_string(min_components) + " to " +
                std::to_string(max_components) + " are out of range; ask for at least " +
                std::to_string(kMinComponents) + ", at most " + std::to_string(kMaxComponents) +
                ", the smaller number first.");
  }
}

void build(AssetBuilder& builder, Family family, int count) {
  switch (family) {
    case Family::kChair:
      return build_chair(builder, count);
    case Family::kTable:
      return build_table(builder, count);
    case Family::kLamp:
      return build_lamp(builder, count);
    case Family::kCabinet:
      return build_cabinet(builder, count);
    case Family::kShelf:
      return build_shelf(builder, count);
    case Family::kVehicle:
      return build_vehicle(builder, count);
    case Family::kRobot:
      return build_robot(builder, count);
    case Family::kBuilding:
      return build_building(builder, count);
    case Family::kAirplane:
      return build_airplane(builder, count);
    case Family::kTree:
      return build_tree(builder, count);
  }
}

}  // namespace

std::string_view name_of(Family family) {
  constexpr std::array<std::string_view, kAllFamilies.size()> kNames = {
      "chair",   "table", "lamp",     "cabinet",  "shelf",
      "vehicle", "robot", "building", "airplane", "tree"};
  return kNames.at(static_cast<size_t>(family));
}

ProceduralAsset make_asset(Family family, int min_components, int max_components, uint64_t seed) {
  check_bounds(min_components, max_components);
  // Families with one seed must not share their draws; the constant is that of splitmix64.
  AssetBuilder builder(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(family));
  const int count = builder.random().integer(min_components, max_components);
  build(builder, family, count);
  if (builder.size() != count) {
    throw std::logic_error(std::string(name_of(family)) + ": " + std::to_string(count) +
                           " components asked for, " + std::to_string(builder.size()) + " made");
  }
  return {std::string(name_of(family)) + "_" + std::to_string(seed), family, builder.finish()};
}

mesh::Scene scene_of(const ProceduralAsset& asset) {
  mesh::Scene scene;
  for (const ProceduralComponent& component : asset.components) {
    scene.components.push_back({component.name, mesh_of(component.primitive), component.color});
  }
  return scene;
}

}  // namespace moca::procedural
