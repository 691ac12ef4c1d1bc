#include "moca/checkpoint/weights.h"

#include <system_error>

#include "error_text.h"
#include "moca/core/error.h"
#include "weights_index.h"

namespace moca::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxIndexBytes = 100'000'000;  // as a safetensors header

std::string read_index(const fs::path& file) {
  std::error_code failure;
  const auto size = fs::file_size(file, failure);
  if (failure) {
    throw Error("cannot read ", file, ": ", failure.message(), ".");
  }
  if (size > kMaxIndexBytes) {
    throw Error(file, ": ", size, " bytes are too many for an index of safetensors files.");
  }
  return read_file(file);
}

// Tensors of at most `max_bytes` together, or one larger one, per shard.
std::vector<NamedTensors> split(const NamedTensors& tensors, uint64_t max_bytes) {
  std::vector<NamedTensors> shards;
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    if (shards.empty() || bytes + tensor.nbytes() > max_bytes) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back().emplace_back(name, tensor);
    bytes += tensor.nbytes();
  }
  return shards;
}

void write_shards(const fs::path& file, const fs::path& index,
                  const std::vector<NamedTensors>& shards) {
  std::map<std::string, std::string> places;
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto shard = shard_name(file.stem().string(), i, shards.size());
    for (const auto& [name, tensor] : shards[i]) {
      TORCH_CHECK(places.count(name) == 0, "write_weights: '", name, "' is named twice");
      places[name] = shard;
      total += tensor.nbytes();
    }
    write_safetensors(file.parent_path() / shard, shards[i], {{"format", "pt"}});
  }
  write_file(index, index_json(places, total));
}

// An older writing of the same name must not be read instead of this one.
void remove_older(const fs::path& file) {
  std::error_code failure;
  fs::remove(file, failure);
  if (failure) {
    throw Error("cannot remove the outdated ", file, ": ", failure.message(), ".");
  }
}

}  // namespace

Weights::Weights(const fs::path& file_or_index) : path_(file_or_index) {
  if (path_.extension() != ".json") {
    const auto& file = shards_.try_emplace(path_.filename(), path_).first->second;
    entries_ = file.entries();
    for (const auto& [name, entry] : entries_) {
      shard_of_.emplace(name, &file);
    }
    return;
  }
  const auto places = parse_index(read_index(path_), path_.string());
  for (const auto& [name, shard] : places) {
    const auto& file = shards_.try_emplace(shard, path_.parent_path() / shard).first->second;
    if (!file.contains(name)) {
      throw Error(path_, ": ", in_quotes(name), " is not in ", in_quotes(shard),
                  ", where weight_map places it. Index and files are not of one model.");
    }
    entries_.emplace(name, file.entries().at(name));
    shard_of_.emplace(name, &file);
  }
  for (const auto& [shard, file] : shards_) {
    for (const auto& [name, entry] : file.entries()) {
      const auto place = places.find(name);
      if (place == places.end() || place->second != shard) {
        throw Error(path_, ": weight_map does not place ", in_quotes(name), " in ",
                    in_quotes(shard), ", which holds it. Index and files are not of one model.");
      }
    }
  }
}

const SafetensorsFile& Weights::file_of(const std::string& name) const {
  const auto found = shard_of_.find(name);
  if (found == shard_of_.end()) {
    throw Error(path_, ": holds no tensor ", in_quotes(name), ".");
  }
  return *found->second;
}

at::Tensor Weights::read(const std::string& name) const { return file_of(name).read(name); }

void Weights::read_into(const std::string& name, const at::Tensor& target) const {
  file_of(name).read_into(name, target);
}

void Weights::check_finite(const std::string& name) const { file_of(name).check_finite(name); }

void write_weights(const fs::path& file, const NamedTensors& tensors, uint64_t max_shard_bytes) {
  TORCH_CHECK(file.extension() == ".safetensors", "write_weights: ", file, " is no .safetensors");
  const auto index = fs::path(file.string() + ".index.json");
  const auto shards = split(tensors, max_shard_bytes);
  if (shards.size() > 1) {
    write_shards(file, index, shards);
    remove_older(file);
  } else {
    write_safetensors(file, tensors, {{"format", "pt"}});
    remove_older(index);
  }
}

}  // namespace moca::checkpoint
