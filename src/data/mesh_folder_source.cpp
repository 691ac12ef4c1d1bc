#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "moca/core/crc32c.h"
#include "moca/core/error.h"
#include "moca/core/file_io.h"
#include "moca/core/random.h"
#include "moca/core/utf8.h"
#include "moca/mesh/mesh_io.h"
#include "moca/mesh/scene_ops.h"
#include "moca/mesh/signed_distance.h"
#include "source_asset.h"

namespace moca::data {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

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
  std::sort(entries.begin(), entries.end());  // where two paths lead to a folder, the first counts
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
    throw Error("data.meshes.folder: no folder at " + folder.string() + ".");
  }
  std::vector<fs::path> files;
  std::set<fs::path> seen;
  add_mesh_files(folder, seen, files);
  if (files.empty()) {
    throw Error("data.meshes.folder: " + folder.string() +
                " holds no .glb, .gltf, .obj, .ply or .stl file.");
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string sha256_of(const fs::path& file) {
  const auto bytes = read_file(file);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    throw Error("cannot compute the SHA-256 of " + file.string() + ".");
  }
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", digest[i]);
    text += two;
  }
  return text;
}

// "chairs/office.glb" becomes "chairs_office", safe as a file name.
std::string id_of(const fs::path& file, const fs::path& folder) {
  auto id = to_utf8(file.lexically_relative(folder).replace_extension().string());
  std::replace(id.begin(), id.end(), '/', '_');
  return id;
}

// An id names an asset's tensors and its folder in an evaluation.
void check_ids(const std::vector<fs::path>& files, const fs::path& folder) {
  std::map<std::string, fs::path> known;
  for (const auto& file : files) {
    const auto [first, is_new] = known.emplace(id_of(file, folder), file);
    if (!is_new) {
      throw Error("data.meshes.folder: " + first->second.string() + " and " + file.string() +
                  " would both be the asset '" + first->first +
                  "'. Rename one, or take it out of the folder.");
    }
  }
}

// Other names or sizes give another one.
std::string sum_of(const std::vector<fs::path>& files) {
  std::string text;
  for (const auto& file : files) {
    text += file.string() + " " + std::to_string(fs::file_size(file)) + "\n";
  }
  return std::to_string(crc32c(text.data(), text.size()));
}

// Which files are held out: a seeded draw, so that the order of names decides nothing.
std::set<int64_t> held_out(int64_t count, int64_t num_held_out, uint64_t seed) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i) {  // Fisher-Yates; std::shuffle differs between libraries
    std::swap(order[i], order[stream_seed(seed, "held-out split", i) % (i + 1)]);
  }
  return {order.begin(), order.begin() + std::min(num_held_out, count)};
}

SourceAsset read_components(const fs::path& file, const DataConfig& config) {
  const auto rule = config.meshes.component_rule == ComponentRule::kNode
                        ? mesh::ComponentRule::kNode
                        : mesh::ComponentRule::kPrimitive;
  SourceAsset asset;
  asset.id = id_of(file, config.meshes.folder);
  asset.source = to_utf8(file.string());
  asset.sha256 = sha256_of(file);
  asset.scene = mesh::read_scene(file, rule);
  const auto count = static_cast<int64_t>(asset.scene.components.size());
  if (count > config.max_components) {
    throw Error(file.string() + " has " + std::to_string(count) +
                " components, data.max_components allows " + std::to_string(config.max_components) +
                ". Raise it, or take the file out of the folder.");
  }
  mesh::normalise(asset.scene, static_cast<float>(config.meshes.longest_side));
  for (const auto& component : asset.scene.components) {
    asset.closed.push_back(mesh::closed_surface(
        component.mesh, static_cast<int>(config.meshes.watertight_resolution)));
    asset.distances.emplace_back(
        [closed = asset.closed.back()](std::span<const mesh::Vec3> points) {
          return mesh::signed_distance(closed, points);
        });
  }
  return asset;
}

// A mistake names the file, wherever it was noticed.
SourceAsset read_asset(const fs::path& file, const DataConfig& config) {
  try {
    return read_components(file, config);
  } catch (const Error& mistake) {
    const std::string message = mistake.what();
    if (message.find(file.string()) != std::string::npos) {
      throw;
    }
    throw Error(file.string() + ": " + message);
  }
}

}  // namespace

AssetSource mesh_folder_source(const DataConfig& config) {
  const auto files = mesh_files_in(config.meshes.folder);
  check_ids(files, config.meshes.folder);
  const auto count = static_cast<int64_t>(files.size());
  if (config.num_held_out >= count) {
    throw Error("data.num_held_out (" + std::to_string(config.num_held_out) + ") leaves none of " +
                std::to_string(count) + " assets in " + config.meshes.folder + " for training.");
  }
  AssetSource source;
  source.count = count;
  source.sum = sum_of(files);
  source.make = [config, files,
                 test = held_out(count, config.num_held_out, config.seed)](int64_t index) {
    auto asset = read_asset(files[index], config);
    asset.split = test.count(index) > 0 ? "test" : "train";
    return asset;
  };
  return source;
}

}  // namespace moca::data
