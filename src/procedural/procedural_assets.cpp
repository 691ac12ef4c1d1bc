#include "moca/procedural/procedural_assets.h"

#include <stdexcept>

#include "families.h"
#include "moca/core/error.h"

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

struct FamilyMaker {
  std::string_view name;
  void (*build)(AssetBuilder& builder, int count);
};

// In the order of Family.
constexpr std::array<FamilyMaker, kAllFamilies.size()> kMakers = {{{"chair", build_chair},
                                                                   {"table", build_table},
                                                                   {"lamp", build_lamp},
                                                                   {"cabinet", build_cabinet},
                                                                   {"shelf", build_shelf},
                                                                   {"vehicle", build_vehicle},
                                                                   {"robot", build_robot},
                                                                   {"building", build_building},
                                                                   {"airplane", build_airplane},
                                                                   {"tree", build_tree}}};

const FamilyMaker& maker_of(Family family) { return kMakers.at(static_cast<size_t>(family)); }

}  // namespace

std::string_view name_of(Family family) { return maker_of(family).name; }

ProceduralAsset make_asset(Family family, int min_components, int max_components, uint64_t seed) {
  check_bounds(min_components, max_components);
  // Families with one seed must not share their draws; the constant is that of splitmix64.
  AssetBuilder builder(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(family));
  const int count = builder.random().integer(min_components, max_components);
  maker_of(family).build(builder, count);
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
