#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "moca/data/data_config.h"
#include "moca/mesh/field_extraction.h"

namespace moca::data {

// An asset before it is sampled, normalised to [-1, 1].
struct SourceAsset {
  std::string id;
  std::string split;
  std::string source;
  std::string sha256;
  mesh::Scene scene;                       // as rendered and as reference of the evaluation
  std::vector<mesh::TriangleMesh> closed;  // per component, the surface that distances refer to
  std::vector<mesh::DistanceFunction> distances;  // per component
};

// How many assets there are, and the i-th of them.
struct AssetSource {
  int64_t count = 0;
  std::string sum = {};  // of the names and sizes of its files; empty where it has none
  std::function<SourceAsset(int64_t index)> make;
};

AssetSource procedural_source(const DataConfig& config);
AssetSource mesh_folder_source(const DataConfig& config);

}  // namespace moca::data
