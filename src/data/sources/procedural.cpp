#include <algorithm>
#include <vector>

#include "moca/core/error.h"
#include "moca/core/mapped.h"
#include "moca/core/random.h"
#include "moca/core/text.h"
#include "moca/data/asset_source.h"
#include "moca/procedural/primitives.h"
#include "moca/procedural/procedural_assets.h"

namespace moca::data {
namespace {

// How components are coloured: by what they are, or all of an asset alike, so that only its shape
// tells them apart.
enum class Paint { kByRole, kAlike };

constexpr auto enum_names(Paint) {
  return std::array{std::pair{"by_role", Paint::kByRole}, std::pair{"alike", Paint::kAlike}};
}

struct ProceduralConfig {
  int64_t num_assets = 32;
  int64_t min_components = 2;
  int64_t max_components = 8;
  std::vector<std::string> families;
  Paint paint = Paint::kByRole;

  static void fields(auto& self, auto&& v) {
    using config::at_least, config::in_range;
    v("num_assets", self.num_assets, "assets to generate for training, families in turn",
      at_least(1));
    v("min_components", self.min_components, "fewest components of an asset", in_range(2, 32));
    v("max_components", self.max_components, "most components of an asset", in_range(2, 32));
    v("families", self.families, "families to use; [] is all of them");
    v("paint", self.paint,
      "colours: by_role, or alike: one for all components of an asset, so that the image does not "
      "tell them apart");
  }
};

std::vector<procedural::Family> families_of(const ProceduralConfig& config) {
  if (config.families.empty()) {
    return {procedural::kAllFamilies.begin(), procedural::kAllFamilies.end()};
  }
  std::vector<procedural::Family> families;
  for (const auto& name : config.families) {
    const auto* found = std::ranges::find(procedural::kAllFamilies, name, procedural::name_of);
    if (found == procedural::kAllFamilies.end()) {
      throw Error("data.procedural.families must be of {",
                  joined(procedural::kAllFamilies, ", ", procedural::name_of), "}, got '", name,
                  "'.");
    }
    families.push_back(*found);
  }
  return families;
}

SourceAsset make_asset(procedural::Family family, uint64_t seed, const ProceduralConfig& settings) {
  const auto made = procedural::make_asset(family, static_cast<int>(settings.min_components),
                                           static_cast<int>(settings.max_components), seed);
  SourceAsset asset;
  asset.scene = procedural::scene_of(made);
  if (settings.paint == Paint::kAlike) {
    for (auto& component : asset.scene.components) {
      component.color = asset.scene.components.front().color;
    }
  }
  for (size_t i = 0; i < made.components.size(); ++i) {
    asset.closed.push_back(asset.scene.components[i].mesh);
    asset.distances.emplace_back(
        [primitive = made.components[i].primitive](std::span<const mesh::Vec3> points) {
          return mapped(points, [&](const mesh::Vec3& point) {
            return procedural::signed_distance(primitive, point);
          });
        });
  }
  return asset;
}

AssetSource open_procedural(const DataConfig& config) {
  const auto settings = config.source.settings<ProceduralConfig>();
  const auto families = families_of(settings);
  const auto family_of = [families](int64_t i) { return families[i % families.size()]; };
  const auto seed_of = [seed = config.seed](int64_t i) {
    return stream_seed(seed, "procedural asset", i);
  };
  AssetSource source;
  for (int64_t i = 0; i < settings.num_assets + config.num_held_out; ++i) {
    const std::string family(procedural::name_of(family_of(i)));
    source.entries.push_back({formatted("%04d_", static_cast<int>(i)) + family,
                              i < settings.num_assets ? "train" : "test",
                              "procedural:" + family + ":" + std::to_string(seed_of(i)), i});
  }
  source.load = [=](int64_t i) { return make_asset(family_of(i), seed_of(i), settings); };
  return source;
}

void validate_procedural(const DataConfig& config, const std::string& path) {
  const auto& settings = config.source.settings<ProceduralConfig>();
  const auto require_at_most = [&](const char* low_name, int64_t low, const char* high_name,
                                   int64_t high) {
    if (low > high) {
      throw Error(path, low_name, " (", low, ") must be at most ", path, high_name, " (", high,
                  ").");
    }
  };
  require_at_most(".procedural.min_components", settings.min_components,
                  ".procedural.max_components", settings.max_components);
  require_at_most(".procedural.max_components", settings.max_components, ".max_components",
                  config.max_components);
}

}  // namespace

SourceKind procedural_source() {
  return {{"procedural", "the built-in generator", ProceduralConfig()},
          open_procedural,
          validate_procedural};
}

}  // namespace moca::data
