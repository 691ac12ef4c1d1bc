#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moca/checkpoint/safetensors.h"
#include "moca/data/asset.h"
#include "moca/mesh/triangle_mesh.h"

namespace moca::data {

struct DatasetIndex;

// A prepared folder: index.json and shards, read at offsets when a tensor is asked for. Thread
// safe.
class PreparedDataset {
 public:
  // Throws Error when the folder is missing, unfinished, of another schema version, or lacks
  // a shard.
  explicit PreparedDataset(const std::filesystem::path& folder);

  const std::vector<AssetRecord>& records() const { return records_; }
  std::vector<int64_t> indices_of(const std::string& split) const;
  int64_t image_size() const { return image_size_; }

  ComponentSurface surface(int64_t asset, int64_t component) const;
  ComponentQueries queries(int64_t asset, int64_t component) const;
  at::Tensor image(int64_t asset, int64_t view) const;  // [size, size, 3] uint8
  // [size, size] uint8 or int32, 0 background, i + 1 component i
  at::Tensor component_map(int64_t asset, int64_t view) const;
  mesh::Scene reference(int64_t asset) const;  // the asset's own meshes

 private:
  at::Tensor read(int64_t asset, const std::string& name) const;
  at::Tensor read_row(int64_t asset, const std::string& name, int64_t row) const;
  const checkpoint::SafetensorsFile& shard_of(int64_t asset) const;

  std::filesystem::path folder_;
  int64_t image_size_ = 0;
  std::vector<AssetRecord> records_;
  std::map<std::string, checkpoint::SafetensorsFile> shards_;
};

// Writes such a folder asset by asset, in the order of their source. After every shard index.json
// says how far it is: a dataset whose making was ended is gone on with.
class DatasetWriter {
 public:
  // Refuses a folder that already holds a dataset, or an unfinished one that was made with other
  // settings or of another number of assets. `made_by`: the settings the dataset is made with, as
  // YAML, kept in the index; `num_assets`: of the source.
  DatasetWriter(std::filesystem::path folder, std::string made_by, int64_t num_assets);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  // The source's asset that is to come next.
  int64_t next() const;

  void add(AssetRecord record, const AssetTensors& tensors);
  // Keeps in the index why the next asset is not in the dataset.
  void leave_out(const std::string& reason);
  int64_t num_left_out() const;
  int64_t num_components() const;  // of all assets that are in

  // Writes what was added, so that it need not be made again. Once every asset came, the dataset is
  // finished.
  void save();

 private:
  std::filesystem::path folder_;
  std::unique_ptr<DatasetIndex> index_;
  checkpoint::NamedTensors pending_;
  uint64_t pending_bytes_ = 0;
};

}  // namespace moca::data
