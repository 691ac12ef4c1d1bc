#include "moca/data/prepared_dataset.h"

#include <ATen/ATen.h>

#include <utility>

#include "dataset_index.h"
#include "moca/core/error.h"
#include "moca/core/program.h"
#include "moca/core/text.h"

namespace moca::data {
namespace {

constexpr const char* kPending = "pending_";  // begins the name of an asset's own file
constexpr uint64_t kShardBytes = 256U << 20;  // a shard is closed once it holds this much

// Views of one asset's tensors by name, in the order they are written.
checkpoint::NamedTensors named(const std::string& id, const AssetTensors& tensors) {
  return {{id + "/surface_points", tensors.surface_points},
          {id + "/surface_normals", tensors.surface_normals},
          {id + "/query_points", tensors.query_points},
          {id + "/query_distances", tensors.query_distances},
          {id + "/images", tensors.images},
          {id + "/component_ids", tensors.component_ids},
          {id + "/vertices", tensors.vertices},
          {id + "/faces", tensors.faces},
          {id + "/mesh_sizes", tensors.mesh_sizes},
          {id + "/colors", tensors.colors}};
}

// Files whose names begin so. Only names that a writer gives, for the folder is the user's.
void remove_files(const std::filesystem::path& folder, const char* beginning,
                  const std::map<std::string, FileSum>& kept) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(beginning) && name.find(".safetensors") != std::string::npos &&
        kept.count(name) == 0) {
      files.push_back(entry.path());
    }
  }
  for (const auto& file : files) {
    std::filesystem::remove(file);
  }
}

[[noreturn]] void refuse_shard(const std::filesystem::path& shard, const std::string& what) {
  throw Error(shard, " ", what,
              ", but index.json says otherwise: it was changed or cut off. Copy it again, or "
              "prepare the dataset again: ",
              command("prepare-data CONFIG"), ".");
}

// The index is written after its shards. One that is newer was changed or copied since: its bytes
// are read and compared with the sum in the index.
void check_shards(const std::filesystem::path& folder, const DatasetIndex& index) {
  const auto written = std::filesystem::last_write_time(folder / "index.json");
  for (const auto& [name, sum] : index.shards) {
    const auto shard = folder / name;
    std::error_code missing;  // is told by who opens it
    const auto bytes = std::filesystem::file_size(shard, missing);
    if (missing) {
      continue;
    }
    if (bytes != sum.bytes) {
      refuse_shard(shard, "has " + std::to_string(bytes) + " bytes");
    }
    if (std::filesystem::last_write_time(shard) > written && sum_of_file(shard) != sum) {
      refuse_shard(shard, "has another checksum");
    }
  }
}

}  // namespace

PreparedDataset::PreparedDataset(const std::filesystem::path& folder) : folder_(folder) {
  auto index = read_index(folder / "index.json");
  if (!index.finished()) {
    throw Error("the dataset ", folder, " is not finished: ", index.num_done, " of ",
                index.num_assets, " assets. Go on with it: ", command("prepare-data CONFIG"), ".");
  }
  check_shards(folder, index);
  image_size_ = index.image_size;
  records_ = std::move(index.records);
  if (records_.empty()) {
    throw Error("the dataset ", folder,
                " holds no asset. Prepare it again: ", command("prepare-data CONFIG"), ".");
  }
  for (const auto& record : records_) {
    if (shards_.count(record.shard) == 0) {
      shards_.emplace(record.shard, checkpoint::SafetensorsFile(folder / record.shard));
    }
  }
}

std::vector<int64_t> PreparedDataset::indices_of(const std::string& split) const {
  std::vector<int64_t> indices;
  for (size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].split == split) {
      indices.push_back(static_cast<int64_t>(i));
    }
  }
  return indices;
}

at::Tensor PreparedDataset::read(int64_t asset, const std::string& name) const {
  const auto& record = records_.at(asset);
  return shards_.at(record.shard).read(record.id + "/" + name);
}

at::Tensor PreparedDataset::read_row(int64_t asset, const std::string& name, int64_t row) const {
  const auto& record = records_.at(asset);
  return shards_.at(record.shard).read_row(record.id + "/" + name, row);
}

ComponentSurface PreparedDataset::surface(int64_t asset, int64_t component) const {
  return {read_row(asset, "surface_points", component),
          read_row(asset, "surface_normals", component)};
}

ComponentQueries PreparedDataset::queries(int64_t asset, int64_t component) const {
  return {read_row(asset, "query_points", component),
          read_row(asset, "query_distances", component)};
}

mesh::Scene PreparedDataset::reference(int64_t asset) const {
  const auto vertices = read(asset, "vertices");
  const auto faces = read(asset, "faces");
  const auto sizes = read(asset, "mesh_sizes");
  const auto colors = read(asset, "colors");
  const auto& names = records_.at(asset).component_names;
  mesh::Scene scene;
  const float* vertex = vertices.const_data_ptr<float>();
  const int32_t* face = faces.const_data_ptr<int32_t>();
  for (int64_t i = 0; i < sizes.size(0); ++i) {
    mesh::Component component;
    component.name = names.at(i);
    const float* color = colors.const_data_ptr<float>() + 3 * i;
    component.color = mesh::Vec3(color[0], color[1], color[2]);
    for (int64_t v = 0; v < sizes[i][0].item<int64_t>(); ++v, vertex += 3) {
      component.mesh.vertices.emplace_back(vertex[0], vertex[1], vertex[2]);
    }
    for (int64_t f = 0; f < sizes[i][1].item<int64_t>(); ++f, face += 3) {
      component.mesh.faces.push_back({face[0], face[1], face[2]});
    }
    scene.components.push_back(std::move(component));
  }
  return scene;
}

DatasetWriter::DatasetWriter(std::filesystem::path folder, DatasetOrigin origin)
    : folder_(std::move(folder)), index_(std::make_unique<DatasetIndex>()) {
  if (std::filesystem::exists(folder_ / "index.json")) {
    *index_ = read_index(folder_ / "index.json");
    if (index_->finished()) {
      throw Error("the dataset ", folder_,
                  " exists already and is not overwritten. Remove it or set another data.path.");
    }
    if (index_->made_by != as_stored(origin.made_by) || index_->num_assets != origin.num_assets ||
        index_->source_sum != origin.source_sum) {
      throw Error("the unfinished dataset ", folder_,
                  " was begun with other settings or other files (", index_->num_assets,
                  " assets, now ", origin.num_assets, "). Remove it or set another data.path.");
    }
  }
  index_->made_by = as_stored(origin.made_by);
  index_->num_assets = origin.num_assets;
  index_->source_sum = std::move(origin.source_sum);
  std::error_code failure;
  std::filesystem::create_directories(folder_, failure);
  if (failure) {
    throw Error("cannot create the folder ", folder_, ": ", failure.message(), ".");
  }
  remove_files(folder_, "shard_", index_->shards);  // that were not finished
}

DatasetWriter::~DatasetWriter() = default;

int64_t DatasetWriter::next() const { return index_->num_done; }

int64_t DatasetWriter::num_left_out() const { return std::ssize(index_->left_out); }

int64_t DatasetWriter::num_components() const {
  int64_t count = 0;
  for (const auto& record : index_->records) {
    count += record.num_components();
  }
  return count;
}

void DatasetWriter::leave_out(const std::string& reason) {
  index_->left_out.push_back(reason);
  ++index_->num_done;
}

std::filesystem::path DatasetWriter::file_of_next() const {
  const auto number = static_cast<long long>(index_->num_done);
  return folder_ / formatted("%s%08lld.safetensors", kPending, number);
}

std::string DatasetWriter::next_shard() const {
  return formatted("shard_%05zu.safetensors", index_->shards.size());
}

void DatasetWriter::add(AssetRecord record, const AssetTensors& tensors) {
  record.shard = next_shard();
  const auto named_tensors = named(record.id, tensors);
  checkpoint::write_safetensors(file_of_next(), named_tensors,
                                {{"asset", text_of(record)},
                                 {"made_by", index_->made_by},
                                 {"source_sum", index_->source_sum}});
  take(std::move(record), named_tensors);
}

bool DatasetWriter::restore_next() {
  const auto file = file_of_next();
  if (!std::filesystem::exists(file)) {
    return false;
  }
  const checkpoint::SafetensorsFile stored(file);
  auto said = stored.metadata();
  if (said["made_by"] != index_->made_by || said["source_sum"] != index_->source_sum ||
      said["asset"].empty()) {
    return false;  // of another preparation in this folder
  }
  std::map<uint64_t, std::string> in_order;  // as they were written, for the same shard
  for (const auto& [name, entry] : stored.entries()) {
    in_order.emplace(entry.begin, name);
  }
  checkpoint::NamedTensors tensors;
  for (const auto& [begin, name] : in_order) {
    tensors.emplace_back(name, stored.read(name));
  }
  take(record_of(said.at("asset"), file), tensors);
  return true;
}

void DatasetWriter::take(AssetRecord record, const checkpoint::NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (name == record.id + "/images") {
      index_->image_size = tensor.size(1);
    }
    pending_bytes_ += tensor.nbytes();
    pending_.emplace_back(name, tensor.contiguous());
  }
  record.shard = next_shard();
  index_->records.push_back(std::move(record));
  ++index_->num_done;
  if (pending_bytes_ >= kShardBytes) {
    save();
  }
}

void DatasetWriter::save() {
  if (!pending_.empty()) {
    const auto& shard = index_->records.back().shard;
    index_->shards[shard] = checkpoint::write_safetensors(folder_ / shard, pending_);
    pending_.clear();
    pending_bytes_ = 0;
  }
  write_index(folder_ / "index.json", *index_);
  remove_files(folder_, kPending, {});
}

}  // namespace moca::data
