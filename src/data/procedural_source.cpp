#include <algorithm>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/random.h"
#include "moca/procedural/procedural_assets.h"
#include "source_asset.h"

namespace moca::data {
namespace {

std::vector<procedural::Family> families_of(const ProceduralConfig& config) {
  if (config.families.empty()) {
    return {procedural::kAllFamilies.begin(), procedural::kAllFamilies.end()};
  }
  std::vector<procedural::Family> families;
  for (const auto& name : config.families) {
    const auto* found = std::find_if(
        procedural::kAllFamilies.begin(), procedural::kAllFamilies.end(),
        [&](procedural::Family family) { return procedural::name_of(family) == name; });
    if (found == procedural::kAllFamilies.end()) {
      std::string known;
      for (const auto family : procedural::kAllFamilies) {
        known += (known.empty() ? "" : ", ") + std::string(procedural::name_of(family));
      }
      throw Error("data.procedural.families must be of {" + known + "}, got '" + name + "'.");
    }
    families.push_back(*found);
  }
  return families;
}

std::vector<float> distances_to(const procedural::Primitive& primitive,
                                std::span<const mesh::Vec3> points) {
  std::vector<float> distances;
  distances.reserve(points.size());
  for (const auto& point : points) {
    distances.push_back(procedural::signed_distance(primitive, point));
  }
  return distances;
}

}  // namespace

AssetSource procedural_source(const DataConfig& config) {
  const auto families = families_of(config.procedural);
  AssetSource source;
  source.count = config.procedural.num_assets + config.num_held_out;
  source.make = [config, families](int64_t index) {
    const auto family = families[index % families.size()];
    const auto seed = stream_seed(config.seed, "procedural asset", index);
    const auto made =
        procedural::make_asset(family, static_cast<int>(config.procedural.min_components),
                               static_cast<int>(config.procedural.max_components), seed);
    char number[16];
    std::snprintf(number, sizeof(number), "%04d_", static_cast<int>(index));
    SourceAsset asset;
    asset.id = number + std::string(procedural::name_of(family));
    asset.split = index < config.procedural.num_assets ? "train" : "test";
    asset.source =
        "procedural:" + std::string(procedural::name_of(family)) + ":" + std::to_string(seed);
    asset.scene = procedural::scene_of(made);
    if (config.procedural.paint == Paint::kAlike) {
      for (auto& component : asset.scene.components) {
        component.color = asset.scene.components.front().color;
      }
    }
    for (size_t i = 0; i < made.components.size(); ++i) {
      asset.closed.push_back(asset.scene.components[i].mesh);
      asset.distances.emplace_back(
          [primitive = made.components[i].primitive](std::span<const mesh::Vec3> points) {
            return distances_to(primitive, points);
          });
    }
    return asset;
  };
  return source;
}

}  // namespace moca::data
