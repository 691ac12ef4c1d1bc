// A data source: flights of stairs, one component a step. `data.source: stairs` chooses it.
#include <string>

#include "extend.h"
#include "moca/data/asset_source.h"

namespace {

using moca::data::AssetSource;
using moca::data::SourceAsset;
namespace mesh = moca::mesh;

struct StairsConfig {
  int64_t num_assets = 4;
  int64_t max_steps = 4;

  static void fields(auto& self, auto&& v) {
    v("num_assets", self.num_assets, "flights of stairs", moca::config::at_least(2));
    v("max_steps", self.max_steps, "steps of the longest", moca::config::in_range(2, 16));
  }
};

mesh::TriangleMesh box(const mesh::Vec3& low, const mesh::Vec3& high) {
  mesh::TriangleMesh box;
  for (int corner = 0; corner < 8; ++corner) {
    box.vertices.push_back({corner & 1 ? high.x() : low.x(), corner & 2 ? high.y() : low.y(),
                            corner & 4 ? high.z() : low.z()});
  }
  box.faces = {{0, 2, 1}, {1, 2, 3}, {4, 5, 6}, {5, 7, 6}, {0, 1, 4}, {1, 5, 4},
               {2, 6, 3}, {3, 6, 7}, {0, 4, 2}, {2, 4, 6}, {1, 3, 5}, {3, 7, 5}};
  return box;
}

SourceAsset flight(int64_t num_steps) {
  SourceAsset asset;
  const float size = 2.0F / static_cast<float>(num_steps);
  for (int64_t i = 0; i < num_steps; ++i) {
    const float x = -1 + size * static_cast<float>(i);
    asset.scene.components.push_back(
        {"step_" + std::to_string(i), box({x, -1, -0.5F}, {x + size, x + size, 0.5F})});
  }
  return asset;
}

// Every flight but the last is trained on.
AssetSource stairs(const moca::data::DataConfig& config) {
  const auto settings = config.source.settings<StairsConfig>();
  AssetSource source;
  for (int64_t i = 0; i < settings.num_assets; ++i) {
    source.entries.push_back(
        {"flight_" + std::to_string(i), i + 1 < settings.num_assets ? "train" : "test"});
  }
  source.load = [settings](int64_t index) { return flight(2 + index % (settings.max_steps - 1)); };
  return source;
}

}  // namespace

void register_stairs() {
  moca::data::register_source(
      {{"stairs", "flights of stairs, a component each step", StairsConfig()}, stairs});
}
