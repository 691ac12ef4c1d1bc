#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moca/config/choice.h"
#include "moca/data/data_config.h"
#include "moca/mesh/field_extraction.h"
#include "moca/mesh/mesh_io.h"

// Where the assets of a dataset come from. A source of ours is a file in src/data/sources/ and its
// line in asset_source.cpp; a program that uses this library adds its own before it makes or reads
// any config:
//
//   struct ScanConfig {
//     std::string list;
//     static void fields(auto& self, auto&& v) {
//       v("list", self.list, "file that lists the scans", config::place());
//     }
//   };
//   data::AssetSource scans(const data::DataConfig& config) {
//     data::AssetSource source;
//     source.entries = read_list(config.source.settings<ScanConfig>().list);
//     source.load = [=](int64_t index) { return read_scan(index, config); };
//     return source;
//   }
//   data::register_source({{"scans", "a list of scans", ScanConfig()}, scans});
//
// Then `data.source: scans` chooses it, and `data.scans.list` is a setting like all others.
namespace moca::mesh {

constexpr auto enum_names(ComponentRule) {
  return std::array{std::pair{"node", ComponentRule::kNode},
                    std::pair{"primitive", ComponentRule::kPrimitive}};
}

}  // namespace moca::mesh

namespace moca::data {

// An asset as its source lists it.
struct AssetEntry {
  std::string id;  // no other asset's; it names folders, so without '/'
  // "train" is trained on, any other ("test", "val", ...) is evaluated only; without '/' as well.
  std::string split = "train";
  std::string source = {};             // its file, or what else it is made of
  std::optional<int64_t> stream = {};  // names its random streams; none: a number made of the id
};

// The number by which the asset's random streams are known, wherever it stands in its source.
int64_t stream_of(const AssetEntry& entry);

// An asset before it is sampled, in [-1, 1], its bounding box centred.
struct SourceAsset {
  std::string sha256 = {};  // of its file; empty where it has none
  mesh::Scene scene;        // as rendered and as reference of the evaluation
  // Per component, the surface that distances refer to, and they. Empty: of the scene's meshes,
  // open ones closed with watertight_resolution voxels along their longest side.
  std::vector<mesh::TriangleMesh> closed = {};
  std::vector<mesh::DistanceFunction> distances = {};
};

// What there is, and one of it. An Error of `load` costs that asset alone.
struct AssetSource {
  std::vector<AssetEntry> entries;
  std::string sum = {};  // changes when the source's files do; empty where it has none
  std::function<SourceAsset(int64_t index)> load;

  int64_t count() const { return std::ssize(entries); }
};

struct SourceKind {
  config::Option option;  // its name, what it is, and its settings
  std::function<AssetSource(const DataConfig&)> open;
  // Refuses settings, before anything is read, when the source is chosen. `path`: of the config.
  std::function<void(const DataConfig&, const std::string& path)> validate = {};
};

// Adds a source to those that `data.source` can name.
void register_source(SourceKind kind);

// The source that `data.source` names.
const SourceKind& chosen_source(const DataConfig& config);

// Opens it; refuses ids and splits that cannot be.
AssetSource open_source(const DataConfig& config);

// Loads an asset with all its surfaces. Refuses more components than data.max_components; an Error
// names the asset's file.
SourceAsset load_asset(const AssetSource& source, int64_t index, const DataConfig& config);

// The setting watertight_resolution of the chosen source, 128 where it has none.
inline constexpr int64_t kWatertightResolution = 128;
int64_t watertight_resolution(DataConfig config);

}  // namespace moca::data
