// What the decoder's extraction loses of exact components: every component of a folder of meshes as
// its signed distance, clipped and scaled as VAEs are trained (distance / 0.1 in [-1, 1]), through
// the hierarchical extraction with and without the field's slope, and through the dense lattice.
// Usage: moca_thin_components_benchmark FOLDER [resolution] [coarse resolution]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "moca/config/schema.h"
#include "moca/data/asset_source.h"
#include "moca/mesh/field_extraction.h"
#include "moca/mesh/scene_ops.h"

namespace {

using moca::mesh::Vec3;

constexpr float kTruncation = 0.1F;  // vae_training.truncation

struct Tally {
  const char* name;
  moca::mesh::ExtractionOptions options;
  int64_t num_empty = 0;
  int64_t num_queries = 0;
  std::vector<std::string> empty = {};

  void add(const moca::mesh::Field& field, const std::string& component) {
    const auto extraction = moca::mesh::mesh_from_field(field, options);
    num_queries += extraction.num_queries;
    if (extraction.mesh.empty()) {
      ++num_empty;
      empty.push_back(component);
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [resolution] [coarse resolution]\n", argv[0]);
    return 2;
  }
  moca::mesh::ExtractionOptions options;
  options.resolution = argc > 2 ? std::atoi(argv[2]) : 129;
  options.coarse_resolution = argc > 3 ? std::atoi(argv[3]) : 33;
  std::vector<Tally> tallies = {
      {"sign_changes_only", options}, {"slope", options}, {"dense", options}};
  tallies[1].options.max_slope = 1 / kTruncation;
  tallies[2].options.coarse_resolution = options.resolution;
  moca::data::DataConfig config;
  moca::config::set(config, {"source=meshes", "meshes.folder=" + std::string(argv[1]),
                             "meshes.longest_side=1.9"});  // configs/real_small_vae.yaml
  const auto source = moca::data::open_source(config);
  int64_t num_components = 0;
  for (int64_t i = 0; i < source.count(); ++i) {
    const auto asset = moca::data::load_asset(source, i, config);
    for (size_t c = 0; c < asset.closed.size(); ++c, ++num_components) {
      const auto field = moca::mesh::clipped_field(moca::mesh::bounds(asset.closed[c]),
                                                   asset.distances[c], kTruncation);
      for (auto& tally : tallies) {
        tally.add(field, source.entries[i].id + "/" + asset.scene.components[c].name);
      }
    }
  }
  std::printf("{\"resolution\": %d, \"coarse_resolution\": %d, \"components\": %lld",
              options.resolution, options.coarse_resolution,
              static_cast<long long>(num_components));
  for (const auto& tally : tallies) {
    std::printf(",\n \"%s\": {\"empty\": %lld, \"queries\": %lld, \"names\": [", tally.name,
                static_cast<long long>(tally.num_empty), static_cast<long long>(tally.num_queries));
    for (size_t i = 0; i < tally.empty.size(); ++i) {
      std::printf("%s\"%s\"", i == 0 ? "" : ", ", tally.empty[i].c_str());
    }
    std::printf("]}");
  }
  std::printf("}\n");
}
