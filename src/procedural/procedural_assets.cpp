#include "moca/procedural/procedural_assets.h"

#include "families.h"
#include "moca/core/error.h"
#include "moca/core/mapped.h"

namespace moca::procedural {
namespace {

void check_bounds(int min_components, int max_components) {
  if (min_components < kMinComponents || max_components > kMaxComponents ||
      min_components > max_components) {
    throw Error("procedural components from ", min_components, " to ", max_components,
                " are out of range; ask for at least ", kMinComponents, ", at most ",
                kMaxComponents, ", the smaller number first.");
  }
}

struct FamilyMaker {
  std::string_view name;
  Components (*make)(const AssetBuilder& start);
};

// In the order of Family.
constexpr std::array<FamilyMaker, kAllFamilies.size()> kMakers = {{{"chair", make_chair},
                                                                   {"table", make_table},
                                                                   {"lamp", make_lamp},
                                                                   {"cabinet", make_cabinet},
                                                                   {"shelf", make_shelf},
                                                                   {"vehicle", make_vehicle},
                                                                   {"robot", make_robot},
                                                                   {"building", make_building},
                                                                   {"airplane", make_airplane},
                                                                   {"tree", make_tree}}};

const FamilyMaker& maker_of(Family family) { return kMakers.at(static_cast<size_t>(family)); }

}  // namespace

std::string_view name_of(Family family) { return maker_of(family).name; }

ProceduralAsset make_asset(Family family, int min_components, int max_components, uint64_t seed) {
  check_bounds(min_components, max_components);
  // Families with one seed must not share their draws; the constant is that of splitmix64.
  Random random(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(family));
  const int count = random.integer(min_components, max_components);
  Components components = maker_of(family).make(AssetBuilder(random, count));
  if (std::ssize(components) != count) {
    throw std::logic_error(std::string(name_of(family)) + ": " + std::to_string(count) +
                           " components asked for, " + std::to_string(components.size()) + " made");
  }
  return {std::string(name_of(family)) + "_" + std::to_string(seed), family, std::move(components)};
}

mesh::Scene scene_of(const ProceduralAsset& asset) {
  return {mapped(asset.components, [](const ProceduralComponent& component) {
    return mesh::Component{component.name, mesh_of(component.primitive), component.color};
  })};
}

}  // namespace moca::procedural
