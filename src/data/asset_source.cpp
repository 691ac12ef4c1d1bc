#include "moca/data/asset_source.h"

#include <set>
#include <stdexcept>

#include "dataset_index.h"
#include "moca/config/kind_table.h"
#include "moca/config/schema.h"
#include "moca/core/error.h"
#include "moca/core/random.h"
#include "moca/mesh/signed_distance.h"

namespace moca::data {

SourceKind procedural_source(), mesh_folder_source();  // each in its own file of sources/

namespace {

config::KindTable<SourceKind>& table() {
  static config::KindTable<SourceKind> kinds("data.source",
                                             {procedural_source(), mesh_folder_source()});
  return kinds;
}

void check_entries(const std::vector<AssetEntry>& entries, const std::string& source) {
  if (entries.empty()) {
    throw Error("data.source: ", source, " has no asset.");
  }
  std::set<std::string> ids;
  for (const auto& entry : entries) {
    for (const auto& name : {entry.id, entry.split}) {
      if (!is_plain_name(name)) {
        throw Error("data.source: ", source, " has the asset '", entry.id, "' of the split '",
                    entry.split, "': both must be names without '/'.");
      }
    }
    if (!ids.insert(entry.id).second) {
      throw Error("data.source: ", source, " has two assets with the id '", entry.id,
                  "'. Every asset needs an id of its own.");
    }
  }
}

// `name`: the asset's in messages.
void complete(SourceAsset& asset, const std::string& name, const DataConfig& config) {
  const size_t count = asset.scene.components.size();
  if (count == 0) {
    throw Error(name, " has no component.");
  }
  if (static_cast<int64_t>(count) > config.max_components) {
    throw Error(name, " has ", count, " components, data.max_components allows ",
                config.max_components, ". Raise it, or leave the asset out of its source.");
  }
  if (asset.closed.size() != asset.distances.size() ||
      (!asset.closed.empty() && asset.closed.size() != count)) {
    throw std::logic_error(name + " has not one surface and one distance for each component");
  }
  if (!asset.closed.empty()) {
    return;
  }
  const auto resolution = static_cast<int>(watertight_resolution(config));
  for (const auto& component : asset.scene.components) {
    asset.closed.push_back(mesh::closed_surface(component.mesh, resolution));
    asset.distances.emplace_back(
        [closed = asset.closed.back()](std::span<const mesh::Vec3> points) {
          return mesh::signed_distance(closed, points);
        });
  }
}

}  // namespace

config::Choice known_sources() { return table().choice(); }

void register_source(SourceKind kind) { table().add(std::move(kind)); }

const SourceKind& chosen_source(const DataConfig& config) { return table().chosen(config.source); }

AssetSource open_source(const DataConfig& config) {
  auto source = chosen_source(config).open(config);
  check_entries(source.entries, config.source.name);
  return source;
}

// Of 53 bits, which every reader of JSON keeps.
int64_t stream_of(const AssetEntry& entry) {
  return entry.stream.value_or(static_cast<int64_t>(stream_seed(0, entry.id) >> 11));
}

SourceAsset load_asset(const AssetSource& source, int64_t index, const DataConfig& config) {
  const auto& entry = source.entries.at(index);
  const auto& name = entry.source.empty() ? entry.id : entry.source;
  try {
    auto asset = source.load(index);
    complete(asset, name, config);
    return asset;
  } catch (const Error& mistake) {
    const std::string message = mistake.what();
    if (message.find(name) != std::string::npos) {
      throw;
    }
    throw Error(name, ": ", message);
  }
}

int64_t watertight_resolution(DataConfig config) {
  auto binding = config::bind(config);
  const auto* setting = binding.find(config.source.name + ".watertight_resolution");
  const auto* number = setting == nullptr ? nullptr : std::get_if<int64_t*>(&setting->variable);
  return number == nullptr ? kWatertightResolution : **number;
}

}  // namespace moca::data
