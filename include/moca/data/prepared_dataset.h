#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moca/checkpoint/safetensors.h"
#include "moca/mesh/renderer.h"
#include "moca/mesh/triangle_mesh.h"

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

  int64_t num_components() const { return std::ssize(component_names); }
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

struct DatasetIndex;

// A prepared folder: index.json and shards, read at offsets when a tensor is asked for. Thread
// safe.
class PreparedDataset {
 public:
  // Throws Error when the folder is missing, unfinished, of another schema version, or lacks
  // a shard.
  explicit PreparedDataset(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const std::vector<AssetRecord>& records() const { return records_; }
  std::vector<int64_t> indices_of(const std::string& split) const;
  int64_t image_size() const { return image_size_; }

  ComponentSurface surface(int64_t asset, int64_t component) const;
  ComponentQueries queries(int64_t asset, int64_t component) const;
  // [size, size, 3] uint8
  at::Tensor image(int64_t asset, int64_t view) const { return read_row(asset, "images", view); }
  // [size, size] uint8 or int32, 0 background, i + 1 component i
  at::Tensor component_map(int64_t asset, int64_t view) const {
    return read_row(asset, "component_ids", view);
  }
  mesh::Scene reference(int64_t asset) const;  // the asset's own meshes

 private:
  at::Tensor read(int64_t asset, const std::string& name) const;
  at::Tensor read_row(int64_t asset, const std::string& name, int64_t row) const;

  std::filesystem::path folder_;
  int64_t image_size_ = 0;
  std::vector<AssetRecord> records_;
  std::map<std::string, checkpoint::SafetensorsFile> shards_;
};

// What a dataset is made from: its making goes on only with the same.
struct DatasetOrigin {
  std::string made_by;          // the settings as YAML, kept in the index
  int64_t num_assets = 0;       // of the source
  std::string source_sum = {};  // of the names and sizes of the source's files
};

// Writes such a folder asset by asset, in the order of their source. A dataset whose making was
// ended, even by a kill, is gone on with: index.json says after every shard how far it is, and each
// asset after the last shard has a file of its own.
class DatasetWriter {
 public:
  // Refuses a folder that already holds a dataset, or an unfinished one of another origin.
  DatasetWriter(std::filesystem::path folder, DatasetOrigin origin);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  // The source's asset that is to come next.
  int64_t next() const;

  void add(AssetRecord record, const AssetTensors& tensors);
  // Adds the next asset from the file of its own that an ended preparation left; false: there is
  // none.
  bool restore_next();
  // Keeps in the index why the next asset is not in the dataset.
  void leave_out(const std::string& reason);
  int64_t num_left_out() const;
  int64_t num_components() const;  // of all assets that are in

  // Writes what was added, so that it need not be made again. Once every asset came, the dataset is
  // finished.
  void save();

 private:
  void take(AssetRecord record, const checkpoint::NamedTensors& tensors);
  std::filesystem::path file_of_next() const;
  std::string next_shard() const;

  std::filesystem::path folder_;
  std::unique_ptr<DatasetIndex> index_;
  checkpoint::NamedTensors pending_;
  uint64_t pending_bytes_ = 0;
};

}  // namespace moca::data
