#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "moca/mesh/renderer.h"

namespace moca::data {

// Version of the prepared format; a dataset of another one is refused.
inline constexpr int kSchemaVersion = 2;  // 1: images had lines between components

// What index.json says of one asset.
struct AssetRecord {
  std::string id;
  std::string split;  // "train", "test" or another name, see AssetEntry
  std::vector<std::string> component_names;
  std::string shard;   // file that holds its tensors, under names "<id>/..."
  std::string source;  // file it came from, or "procedural:<family>:<seed>"
  std::string sha256;  // of that file; empty for procedural assets
  int64_t stream = 0;  // names its random streams in training
  std::vector<mesh::Camera> views;

  int64_t num_components() const { return static_cast<int64_t>(component_names.size()); }
};

// The tensors of one asset as stored.
struct AssetTensors {
  at::Tensor surface_points;   // [N, P, 3] float, in [-1, 1]
  at::Tensor surface_normals;  // [N, P, 3] float, unit length
  at::Tensor query_points;     // [N, Q, 3] float
  at::Tensor query_distances;  // [N, Q] float, signed distance, positive inside
  at::Tensor images;           // [views, size, size, 3] uint8, RGB on white
  at::Tensor component_ids;    // [views, size, size], 0 background, i + 1 component i; uint8, or
                               // int32 of an asset with more than 255 components
  at::Tensor vertices;         // [V, 3] float, of all components one after another
  at::Tensor faces;            // [F, 3] int32, indices within the component
  at::Tensor mesh_sizes;       // [N, 2] int64, vertices and faces of each component
  at::Tensor colors;           // [N, 3] float, RGB in [0, 1]
};

// Points of one component.
struct ComponentSurface {
  at::Tensor points;   // [P, 3]
  at::Tensor normals;  // [P, 3]
};
struct ComponentQueries {
  at::Tensor points;     // [Q, 3]
  at::Tensor distances;  // [Q], positive inside
};

}  // namespace moca::data
