#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "moca/core/crc32c.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/random.h"
#include "moca/core/text.h"
#include "moca/core/utf8.h"
#include "moca/data/asset_source.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;

struct MeshFolderConfig {
  std::string folder;
  mesh::ComponentRule component_rule = mesh::ComponentRule::kNode;
  int64_t watertight_resolution = kWatertightResolution;
  double longest_side = 2.0;

  static void fields(auto& self, auto&& v) {
    v("folder", self.folder,
      "folder of .glb, .gltf, .obj, .ply or .stl files, searched recursively", config::place());
    v("component_rule", self.component_rule,
      "what one component of a file is: node, or every primitive");
    v("watertight_resolution", self.watertight_resolution,
      "voxels along a component's longest side when an open mesh is closed",
      config::in_range(16, 512));
    v("longest_side", self.longest_side, "the asset is scaled to this (PartCrafter: 2)",
      config::in_range(0.1, 2.0));
  }
};

bool is_mesh_file(const fs::directory_entry& entry) {
  const std::set<std::string> known = {".glb", ".gltf", ".obj", ".ply", ".stl"};
  std::error_code circle;  // of a symbolic link to itself
  return entry.is_regular_file(circle) &&
         known.count(lower_case(entry.path().extension().string())) > 0;
}

// Also in folders behind symbolic links, each folder once. Names that begin with a dot are left
// out: macOS puts a "._chair.glb" beside every file of a zip.
void add_mesh_files(const fs::path& folder, std::set<fs::path>& seen,
                    std::vector<fs::path>& files) {
  if (!seen.insert(fs::canonical(folder)).second) {
    return;
  }
  std::vector<fs::directory_entry> entries{fs::directory_iterator(folder), {}};
  std::ranges::sort(entries);  // where two paths lead to a folder, the first counts
  for (const auto& entry : entries) {
    if (entry.path().filename().string().starts_with('.')) {
      continue;
    }
    std::error_code circle;  // of a symbolic link to itself
    if (entry.is_directory(circle)) {
      add_mesh_files(entry.path(), seen, files);
    } else if (is_mesh_file(entry)) {
      files.push_back(entry.path());
    }
  }
}

std::vector<fs::path> mesh_files_in(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error("data.meshes.folder: no folder at ", folder, ".");
  }
  std::vector<fs::path> files;
  std::set<fs::path> seen;
  add_mesh_files(folder, seen, files);
  if (files.empty()) {
    throw Error("data.meshes.folder: ", folder, " holds no .glb, .gltf, .obj, .ply or .stl file.");
  }
  std::ranges::sort(files);
  return files;
}

std::string sha256_of(const fs::path& file) {
  const auto bytes = read_file(file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw Error("cannot compute the SHA-256 of ", file, ".");
  }
  return joined(std::span(digest).first(length), "",
                [](unsigned char byte) { return formatted("%02x", byte); });
}

// "chairs/office.glb" becomes "chairs_office", safe as a file name.
std::string id_of(const fs::path& file, const fs::path& folder) {
  auto id = to_utf8(file.lexically_relative(folder).replace_extension().string());
  std::ranges::replace(id, '/', '_');
  return id;
}

// An id names an asset's tensors and its folder in an evaluation.
void check_ids(const std::vector<fs::path>& files, const fs::path& folder) {
  std::map<std::string, fs::path> known;
  for (const auto& file : files) {
    const auto [first, is_new] = known.emplace(id_of(file, folder), file);
    if (!is_new) {
      throw Error("data.meshes.folder: ", first->second, " and ", file,
                  " would both be the asset '", first->first,
                  "'. Rename one, or take it out of the folder.");
    }
  }
}

// Other names or sizes give another one. It begins with how the split is drawn: a preparation that
// was begun when it went by position is not gone on with.
std::string sum_of(const std::vector<fs::path>& files) {
  std::string text = "split by id\n";
  for (const auto& file : files) {
    text += file.string() + " " + std::to_string(fs::file_size(file)) + "\n";
  }
  return std::to_string(crc32c(text.data(), text.size()));
}

// The assets that are drawn as held out. Each draws by its own id, so that a file that comes or
// goes moves one other asset at most.
void hold_out(int64_t count, uint64_t seed, std::vector<AssetEntry>& entries) {
  std::vector<std::pair<uint64_t, AssetEntry*>> drawn;
  for (auto& entry : entries) {
    drawn.emplace_back(stream_seed(seed, "held-out split", stream_of(entry)), &entry);
  }
  std::ranges::sort(drawn);
  for (int64_t i = 0; i < count; ++i) {
    drawn[i].second->split = "test";
  }
}

SourceAsset read_asset(const fs::path& file, const MeshFolderConfig& settings) {
  SourceAsset asset{sha256_of(file), mesh::read_scene(file, settings.component_rule)};
  mesh::normalise(asset.scene, static_cast<float>(settings.longest_side));
  return asset;
}

AssetSource open(const DataConfig& config) {
  const auto& settings = config.source.settings<MeshFolderConfig>();
  const auto files = mesh_files_in(settings.folder);
  check_ids(files, settings.folder);
  if (config.num_held_out >= std::ssize(files)) {
    throw Error("data.num_held_out (", config.num_held_out, ") leaves none of ", files.size(),
                " assets in ", settings.folder, " for training.");
  }
  AssetSource source;
  for (const auto& file : files) {
    source.entries.push_back({id_of(file, settings.folder), "train", to_utf8(file.string())});
  }
  hold_out(config.num_held_out, config.seed, source.entries);
  source.sum = sum_of(files);
  source.load = [files, settings](int64_t index) { return read_asset(files.at(index), settings); };
  return source;
}

void validate(const DataConfig& config, const std::string& path) {
  if (config.source.settings<MeshFolderConfig>().folder.empty()) {
    throw Error(path, ".meshes.folder is empty: ", path,
                ".source: meshes needs the folder of the mesh files.");
  }
}

}  // namespace

SourceKind mesh_folder_source() {
  return {{"meshes", "a folder of files", MeshFolderConfig()}, open, validate};
}

}  // namespace moca::data
